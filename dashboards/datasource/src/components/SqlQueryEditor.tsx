import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import {
  CodeEditor,
  CodeEditorSuggestionItemKind,
  Collapse,
  Field,
  RadioButtonGroup,
  Stack,
  useStyles2,
} from '@grafana/ui';
import React, { useId, useState } from 'react';

import { macros } from '../macros';
import type { Format } from '../types';
import type { Props } from './QueryEditor';
import { useAsync } from './useAsync';

const formats: Array<{ value: Format; label: string; description: string }> = [
  {
    value: 'time_series',
    label: 'Time series',
    description: 'A column of times, columns of numbers, and texts as labels',
  },
  { value: 'table', label: 'Table', description: 'Rows as they are' },
];

/** SqlQueryEditor is SQL over the views, with the macros explained beside it. */
export function SqlQueryEditor({ datasource, query, onChange, onRunQuery }: Props) {
  const styles = useStyles2(help);
  const [open, setOpen] = useState(false);
  const formatId = useId();
  const metrics = useAsync(() => datasource.metrics(), datasource.uid);
  const views = [...new Map((metrics.value ?? []).map((m) => [m.view, m.parameters])).entries()].sort(([a], [b]) =>
    a < b ? -1 : 1
  );

  const change = (sql: string) => {
    if (sql !== query.sql) {
      onChange({ ...query, sql });
      onRunQuery();
    }
  };
  const suggestions = () => [
    ...macros.map((m) => ({
      label: m.name,
      detail: m.means,
      insertText: m.name,
      kind: CodeEditorSuggestionItemKind.Method,
    })),
    ...views.map(([view, parameters]) => ({
      label: view,
      detail: 'view',
      insertText: call(view, parameters),
      kind: CodeEditorSuggestionItemKind.Property,
    })),
    ...datasource
      .variableNames()
      .map((name) => ({ label: `$${name}`, detail: 'template variable', kind: CodeEditorSuggestionItemKind.Constant })),
  ];

  return (
    <Stack direction="column" gap={1.5}>
      <section aria-label="SQL">
        <CodeEditor
          language="sql"
          value={query.sql ?? ''}
          height={200}
          showLineNumbers
          showMiniMap={false}
          onBlur={change}
          onSave={change}
          getSuggestions={suggestions}
        />
      </section>
      <Field label="Format" htmlFor={formatId} noMargin>
        <div>
          <RadioButtonGroup
            id={formatId}
            aria-label="Format"
            size="sm"
            options={formats}
            value={query.format ?? 'time_series'}
            onChange={(format) => {
              onChange({ ...query, format });
              onRunQuery();
            }}
          />
        </div>
      </Field>
      <Collapse label="Macros and views" isOpen={open} onToggle={setOpen}>
        <p className={styles.intro}>
          Queries are read-only. Ask views, never tables: rows are merged in them and nowhere else.
        </p>
        <dl className={styles.list}>
          {macros.map((m) => (
            <React.Fragment key={m.name}>
              <dt>
                <code>{m.name}</code>
              </dt>
              <dd>{m.means}</dd>
            </React.Fragment>
          ))}
          {views.map(([view, parameters]) => (
            <React.Fragment key={view}>
              <dt>
                <code>{view}</code>
              </dt>
              <dd>
                <code>{call(view, parameters)}</code>
              </dd>
            </React.Fragment>
          ))}
        </dl>
      </Collapse>
    </Stack>
  );
}

/** What stands for a view's parameter in a new call of it. */
const argument: Record<string, string> = {
  service: "'demo'",
  from_us: '$__fromUs',
  to_us: '$__toUs',
  step_s: '$__step',
  time_zone: "'UTC'",
};

function call(view: string, parameters: string[]): string {
  return `${view}(${parameters.map((p) => `${p} = ${argument[p] ?? 'NULL'}`).join(', ')})`;
}

const help = (theme: GrafanaTheme2) => ({
  intro: css({ margin: theme.spacing(0, 0, 1) }),
  list: css({
    display: 'grid',
    gridTemplateColumns: 'minmax(20ch, max-content) 1fr',
    gap: theme.spacing(0.5, 2),
    margin: 0,
    fontSize: theme.typography.bodySmall.fontSize,
    '& dd': { margin: 0, minWidth: 0, overflowWrap: 'anywhere' },
    '& dt': { fontWeight: 'normal' },
    '& code': { whiteSpace: 'normal', border: 'none', padding: 0, background: 'none' },
  }),
});
