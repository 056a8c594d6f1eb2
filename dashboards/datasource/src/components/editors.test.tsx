import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import type { DataSourceSettings } from '@grafana/data';
import { cleanup, render, screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import React, { useState } from 'react';

import { type Answer, backend, datasource, lastHour, resources } from '../../test/fixtures';
import type { DataSource } from '../datasource';
import type { Query, Secrets, Settings, VariableQuery } from '../types';
import { AnnotationsQueryEditor } from './AnnotationsQueryEditor';
import { ConfigEditor } from './ConfigEditor';
import { QueryEditor } from './QueryEditor';
import { VariableQueryEditor } from './VariableQueryEditor';

afterEach(cleanup);

/** edit shows an editor of queries and gives what it last changed the query to. */
function edit<Q extends { refId: string }>(
  Editor: React.ComponentType<{
    datasource: DataSource;
    query: Q;
    onChange: (query: Q) => void;
    onRunQuery: () => void;
    range: ReturnType<typeof lastHour>;
  }>,
  first: Q,
  ds = datasource()
) {
  const seen = { query: first, runs: 0 };
  function Held() {
    const [query, setQuery] = useState(first);
    const range = React.useMemo(lastHour, []);
    seen.query = query;
    return (
      <Editor
        datasource={ds}
        query={query}
        range={range}
        onChange={setQuery}
        onRunQuery={() => {
          seen.runs++;
        }}
      />
    );
  }
  render(<Held />);
  return seen;
}

type Options = DataSourceSettings<Settings, Secrets>;

/** Configured holds the settings that the editor changes. */
function Configured({ seen }: { seen: { options: Options } }) {
  const [options, setOptions] = useState(seen.options);
  seen.options = options;
  return <ConfigEditor options={options} onOptionsChange={setOptions} />;
}

async function choose(user: ReturnType<typeof userEvent.setup>, label: string, option: RegExp) {
  await user.click(await screen.findByRole('combobox', { name: label }));
  await user.click(await screen.findByRole('option', { name: option }));
}

test('a new query is of the first service, and shows what its metric means', async () => {
  backend(resources);
  const seen = edit(QueryEditor, { refId: 'A' } as Query);
  await screen.findByText('Requests a second, by arrival.');
  await waitFor(() => assert.equal(seen.query.service, 'chat'));
  assert.equal(seen.query.metric, 'rate');
  assert.equal(seen.runs, 1);
});

test('choosing a metric shows the fields that it takes', async () => {
  backend(resources);
  const user = userEvent.setup();
  const seen = edit(QueryEditor, { refId: 'A', queryType: 'metric', metric: 'rate', service: 'chat' } as Query);
  await choose(user, 'Metric', /^Goodput/);
  const limit = await screen.findByLabelText('First token within (s)');
  await user.type(limit, '0{Enter}');
  await screen.findByText(/seconds above 0/);
  assert.deepEqual(seen.query.limits, undefined);
  await user.type(limit, '.5{Enter}');
  assert.deepEqual(seen.query.limits, { ttft: 0.5 });

  await choose(user, 'Metric', /^Utilisation/);
  await screen.findByRole('combobox', { name: 'GPU' });
  assert.equal(screen.queryByRole('combobox', { name: 'Service' }), null);
  await choose(user, 'Metric', /^By hour/);
  await screen.findByRole('combobox', { name: 'Time zone' });
  assert.equal(screen.queryByRole('combobox', { name: 'Step' }), null);
});

test('what is offered are streams, the dashboard’s variables, and what is typed', async () => {
  backend(resources);
  const user = userEvent.setup();
  const first = { refId: 'A', queryType: 'metric', metric: 'rate', service: 'chat' } as Query;
  const seen = edit(QueryEditor, first, datasource({ service: 'chat' }));
  await choose(user, 'Log type', /^\(none\)/);
  assert.equal(seen.query.logType, '');
  await choose(user, 'Log type', /^All log types/);
  assert.equal(seen.query.logType, '*');
  await choose(user, 'Service', /^\$service/);
  assert.equal(seen.query.service, '$service');
  await user.type(screen.getByRole('combobox', { name: 'Service' }), 'soon');
  await user.click(await screen.findByRole('option', { name: /soon/ }));
  assert.equal(seen.query.service, 'soon');
  await user.type(screen.getByRole('combobox', { name: 'Step' }), '10m');
  await user.click(await screen.findByRole('option', { name: /10m/ }));
  assert.equal(seen.query.step, '600');
});

test('a list that cannot be read says why, and can be asked for again', async () => {
  let answer: Answer = () => {
    throw { data: { error: 'cannot connect to clickhouse:9000' } };
  };
  backend((request) => answer(request));
  const user = userEvent.setup();
  edit(QueryEditor, { refId: 'A', queryType: 'metric', metric: 'rate', service: 'chat' } as Query);
  await screen.findByText(/cannot be read from the plugin/);
  await screen.findByText('cannot connect to clickhouse:9000');
  answer = resources;
  await user.click(screen.getByRole('button', { name: /Try again/ }));
  await screen.findByText('Requests a second, by arrival.');
});

test('no service in the range is said, and so is a metric that the backend does not know', async () => {
  backend((request) => (request.url.endsWith('/variables') ? [] : resources(request)));
  edit(QueryEditor, { refId: 'A', queryType: 'metric', metric: 'rate', service: '' } as Query);
  await screen.findByText(/No service in this time range/);
  cleanup();
  edit(QueryEditor, { refId: 'A', queryType: 'metric', metric: 'newer', service: 'chat' } as Query);
  await screen.findByText(/knows no metric “newer”/);
});

test('a variable of models is one of a service’s', async () => {
  backend(resources);
  const user = userEvent.setup();
  const seen = edit(VariableQueryEditor as never, { refId: 'V' } as VariableQuery);
  await choose(user, 'List', /^Models/);
  await choose(user, 'Service', /^search/);
  assert.deepEqual(seen.query, { refId: 'V', queryType: 'variable', variable: 'models', service: 'search' });
});

test('annotations are those of the catalogue', async () => {
  backend(resources);
  const user = userEvent.setup();
  const seen = edit(AnnotationsQueryEditor, { refId: 'Anno', queryType: 'annotations', service: '' } as Query);
  await user.click(await screen.findByRole('combobox', { name: 'What to mark' }));
  const options = await screen.findAllByRole('option');
  assert.equal(options.length, 1);
  await user.click(options[0] as HTMLElement);
  await choose(user, 'Service', /^chat/);
  assert.deepEqual(seen.query, { refId: 'Anno', queryType: 'annotations', metric: 'late_data', service: 'chat' });
});

test('settings: secrets go where Grafana encrypts them, and wrong values are said', async () => {
  const user = userEvent.setup();
  const seen = { options: { jsonData: {}, secureJsonFields: { tlsCACert: true } } as unknown as Options };
  render(<Configured seen={seen} />);
  await user.type(screen.getByLabelText(/^Address/), 'db:9000');
  await screen.findByText(/begins with clickhouse:\/\//);
  await user.type(screen.getByLabelText(/^Password/), 'secret');
  await user.type(screen.getByLabelText(/^Rows an answer/), '0');
  await screen.findByText(/whole number above 0/);
  await user.click(screen.getByLabelText(/^Skip verification/));
  await user.click(screen.getByRole('button', { name: /Reset/ }));
  assert.deepEqual(seen.options, {
    jsonData: { address: 'db:9000', maxRows: 0, tlsSkipVerify: true },
    secureJsonFields: { tlsCACert: false },
    secureJsonData: { password: 'secret', tlsCACert: '' },
  });
});
