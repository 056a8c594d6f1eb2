import { type DataSourceInstanceSettings, type DataSourceSettings, PluginType, ThemeContext } from '@grafana/data';
import { GlobalStyles, PortalContainer, Stack } from '@grafana/ui';
import React, { useState } from 'react';
import { createRoot } from 'react-dom/client';

import { AnnotationsQueryEditor } from '../src/components/AnnotationsQueryEditor';
import { ConfigEditor } from '../src/components/ConfigEditor';
import { QueryEditor } from '../src/components/QueryEditor';
import { VariableQueryEditor } from '../src/components/VariableQueryEditor';
import { DataSource } from '../src/datasource';
import plugin from '../src/plugin.json';
import type { Query, Secrets, Settings, VariableQuery } from '../src/types';
import { lastHours, startGrafana } from './grafana';

// The page's own choices, in its address: ?theme=light&variables=service:chat
const choices = new URLSearchParams(window.location.search);
const mode = choices.get('theme') === 'light' ? 'light' : 'dark';
const variables = Object.fromEntries(
  (choices.get('variables') ?? '')
    .split(',')
    .filter(Boolean)
    .map((v) => v.split(':'))
);

const theme = startGrafana(mode, variables);
const range = lastHours();
const datasource = new DataSource({
  id: 1,
  uid: 'tidegauge',
  type: plugin.id,
  name: 'Tidegauge',
  access: 'proxy',
  readOnly: false,
  jsonData: {},
  meta: { ...plugin, type: PluginType.datasource, module: '', baseUrl: '' },
} as unknown as DataSourceInstanceSettings<Settings>);

function Shown<T>({
  title,
  name,
  value,
  children,
}: {
  title: string;
  name: string;
  value: T;
  children: React.ReactNode;
}) {
  return (
    <article
      data-testid={name}
      style={{
        padding: 16,
        background: theme.colors.background.primary,
        border: `1px solid ${theme.colors.border.weak}`,
      }}
    >
      <h4>{title}</h4>
      {children}
      <pre data-testid={`${name}-json`} style={{ marginTop: 16 }}>
        {JSON.stringify(value, null, 1)}
      </pre>
    </article>
  );
}

function Page() {
  const [query, setQuery] = useState<Query>({ refId: 'A' });
  const [runs, setRuns] = useState(0);
  const [variable, setVariable] = useState<VariableQuery>({ refId: 'V' });
  const [annotation, setAnnotation] = useState<Query>({ refId: 'Anno', queryType: 'annotations', service: '' });
  const [settings, setSettings] = useState<DataSourceSettings<Settings, Secrets>>({
    jsonData: {},
    secureJsonFields: { tlsCACert: true },
  } as unknown as DataSourceSettings<Settings, Secrets>);
  const run = () => setRuns((n) => n + 1);
  const shown = choices.get('show') ?? 'query';
  return (
    <Stack direction="column" gap={2}>
      {shown === 'query' && (
        <Shown title={`Query, run ${runs} times`} name="query" value={query}>
          <QueryEditor datasource={datasource} query={query} onChange={setQuery} onRunQuery={run} range={range} />
        </Shown>
      )}
      {shown === 'config' && (
        <Shown title="Settings" name="config" value={settings}>
          <ConfigEditor options={settings} onOptionsChange={setSettings} />
        </Shown>
      )}
      {shown === 'variable' && (
        <Shown title="Variable" name="variable" value={variable}>
          <VariableQueryEditor
            datasource={datasource}
            query={variable}
            onChange={setVariable}
            onRunQuery={run}
            range={range}
          />
        </Shown>
      )}
      {shown === 'annotations' && (
        <Shown title="Annotations" name="annotations" value={annotation}>
          <AnnotationsQueryEditor
            datasource={datasource}
            query={annotation}
            onChange={setAnnotation}
            onRunQuery={run}
            range={range}
          />
        </Shown>
      )}
    </Stack>
  );
}

const root = document.getElementById('root');
if (root) {
  document.body.style.background = theme.colors.background.canvas;
  createRoot(root).render(
    <ThemeContext.Provider value={theme}>
      <GlobalStyles />
      <Page />
      <PortalContainer />
    </ThemeContext.Provider>
  );
}
