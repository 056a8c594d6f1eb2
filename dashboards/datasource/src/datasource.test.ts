import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type CoreApp,
  type DataFrame,
  type DataQueryRequest,
  type DataQueryResponse,
  FieldType,
  LoadingState,
  toDataFrame,
} from '@grafana/data';
import { type GrafanaLiveSrv, type LiveDataStreamOptions, setGrafanaLiveSrv } from '@grafana/runtime';
import { firstValueFrom, lastValueFrom, Subject, toArray } from 'rxjs';

import { backend, datasource, lastHour, metrics, resources } from '../test/fixtures';
import { channel } from './live';
import type { Query } from './types';

const request = (...targets: Query[]) =>
  ({ targets, range: lastHour(), scopedVars: {}, requestId: 'Q1' }) as unknown as DataQueryRequest<Query>;
const chat: Query = { refId: 'A', queryType: 'metric', metric: 'rate', service: 'chat', step: 'auto' };

/** An answer of the backend: a window for each query. */
const window = (refId: string, value: number) => ({
  schema: {
    refId,
    fields: [
      { name: 'time', type: 'time' },
      { name: 'rate', type: 'number' },
    ],
  },
  data: { values: [[1_767_571_140_000], [value]] },
});
const answered = (data: { queries: Array<Record<string, unknown>> } | undefined) => ({
  results: Object.fromEntries(
    (data?.queries ?? []).map((q, i) => [q.refId, { frames: [window(String(q.refId), i + 1)] }])
  ),
});

test('a service variable with several values asks for each, and the answers are one query’s', async () => {
  const asked = backend(({ data }) => answered(data));
  const ds = datasource({ service: ['chat', 'search'] });
  const response = await lastValueFrom(ds.query(request({ ...chat, service: '$service' }, { ...chat, refId: 'B' })));
  assert.deepEqual(
    asked[0]?.data?.queries.map((q) => [q.refId, q.service]),
    [
      ['A#1', 'chat'],
      ['A#2', 'search'],
      ['B', 'chat'],
    ]
  );
  assert.deepEqual(
    response.data.map((f: DataFrame) => f.refId),
    ['A', 'A', 'B']
  );
});

test('the last minutes of a live query are drawn over the historic ones as they come', async () => {
  const asked = backend(({ data }) => answered(data));
  const streams: LiveDataStreamOptions[] = [];
  const messages = new Subject<DataQueryResponse>();
  const live: Pick<GrafanaLiveSrv, 'getDataStream'> = {
    getDataStream: (options) => {
      streams.push(options);
      return messages;
    },
  };
  setGrafanaLiveSrv(live as GrafanaLiveSrv);
  const responses = firstValueFrom(
    datasource()
      .query(request({ ...chat, live: true }))
      .pipe(toArray())
  );
  await new Promise((done) => setImmediate(done));
  const frame = toDataFrame({
    fields: [
      { name: 'time', type: FieldType.time, values: [1_767_571_140_000, 1_767_571_200_000] },
      { name: 'rate', type: FieldType.number, values: [5, 6] },
    ],
  });
  messages.next({ data: [frame] });
  messages.complete();

  const all = await responses;
  const values = all.map((r) => r.data.map((f: DataFrame) => [f.refId, ...(f.fields[1]?.values ?? [])]));
  assert.deepEqual(values, [[['A', 1]], [['A', 5, 6]]]);
  assert.deepEqual(
    all.map((r) => r.state),
    [LoadingState.Streaming, LoadingState.Streaming]
  );
  // Both are of the same width, or they would not fit together.
  assert.equal(asked[0]?.data?.queries[0]?.step, '60');
  assert.equal(streams.length, 1);
  const { addr } = streams[0] as LiveDataStreamOptions;
  assert.equal(`${addr.scope}/${addr.stream}/`, 'ds/tidegauge/');
  assert.deepEqual(JSON.parse(Buffer.from(addr.path.replace('recent/', ''), 'base64url').toString()), {
    metric: 'rate',
    service: 'chat',
  });
});

test('only what ends now is followed', async () => {
  backend(({ data }) => answered(data));
  setGrafanaLiveSrv({ getDataStream: () => assert.fail('a channel was asked for') } as unknown as GrafanaLiveSrv);
  const past = request({ ...chat, live: true });
  past.range = { ...past.range, raw: { from: 'now-2h', to: 'now-1h' } };
  await lastValueFrom(datasource().query(past));
  await lastValueFrom(datasource().query(request(chat)));
});

test('a channel’s id is short enough for Grafana, whatever the query', () => {
  const long = {
    ...chat,
    model: 'a-model-with-quite-a-long-name-of-eighty-characters-or-thereabouts-32b-instruct-v2',
    columns: ['elapsed_p50', 'elapsed_p99'],
  };
  const addr = channel('tidegauge', long);
  assert.match(addr.path, /^recent\/sum\/[0-9a-f]{16}$/);
  assert.deepEqual(addr.data, { metric: 'rate', columns: long.columns, service: 'chat', model: long.model });
  assert.notEqual(addr.path, channel('tidegauge', { ...long, service: 'search' }).path);
});

test('the catalogue is asked for once, and again after a failure', async () => {
  let down = true;
  const asked = backend((r) => {
    if (down) {
      throw { data: { error: 'no connection' } };
    }
    return resources(r);
  });
  const ds = datasource();
  await assert.rejects(ds.metrics());
  down = false;
  assert.deepEqual(await ds.metrics(), metrics);
  await ds.metrics();
  assert.equal(asked.length, 2);
});

test('variables list what the backend has seen', async () => {
  const asked = backend(resources);
  const ds = datasource({ service: 'chat' });
  const range = lastHour();
  assert.deepEqual(await ds.metricFindQuery({ refId: 'V', variable: 'log_types', service: '$service' }, { range }), [
    { text: '(none)', value: '' },
    { text: 'api', value: 'api' },
  ]);
  assert.match(asked[0]?.url ?? '', /\/uid\/tidegauge\/resources\/variables$/);
  assert.deepEqual(asked[0]?.params, {
    name: 'log_types',
    service: 'chat',
    host: '',
    from: range.from.valueOf(),
    to: range.to.valueOf(),
  });
});

test('a new query is of the dashboard’s variables, and waits for a service', () => {
  assert.equal(datasource({ service: 'chat' }).getDefaultQuery('dashboard' as CoreApp).service, '$service');
  const query = { refId: 'A', ...datasource().getDefaultQuery('dashboard' as CoreApp) };
  assert.equal(datasource().filterQuery(query), false);
  assert.equal(datasource().filterQuery({ ...query, service: 'chat' }), true);
});
