import assert from 'node:assert/strict';
import { test } from 'node:test';

import { templates } from '../test/fixtures';
import { expand, interpolate } from './interpolate';
import type { Query } from './types';

const query = (part: Partial<Query>): Query => ({ refId: 'A', queryType: 'metric', metric: 'rate', ...part });

test('variables are filled in wherever a query has texts', () => {
  const filled = interpolate(
    query({
      metric: '$metric',
      service: '$service',
      model: '*',
      logType: '',
      host: '$host-a',
      step: '$step',
      columns: ['$quantile', 'ttft_max'],
      limits: { elapsed: '$limit', ttft: 1, tpot: '' },
    }),
    { host: { text: 'gpu', value: 'gpu' } },
    templates({ metric: 'ttft', service: 'chat', step: '300', quantile: ['ttft_p50', 'ttft_p99'], limit: '2.5' })
  );
  assert.deepEqual(filled, {
    refId: 'A',
    queryType: 'metric',
    metric: 'ttft',
    service: 'chat',
    model: '*',
    logType: '',
    host: 'gpu-a',
    step: '300',
    columns: ['ttft_p50', 'ttft_p99', 'ttft_max'],
    limits: { elapsed: 2.5, ttft: 1 },
  });
});

test('time zones have the names that ClickHouse knows', () => {
  const zone = (timeZone: string) =>
    interpolate(query({ timeZone }), {}, templates({ __timezone: 'browser' })).timeZone;
  assert.equal(zone('utc'), 'UTC');
  assert.equal(zone(''), 'UTC');
  assert.equal(zone('Europe/Berlin'), 'Europe/Berlin');
  assert.equal(zone('$__timezone'), Intl.DateTimeFormat().resolvedOptions().timeZone);
});

test('variables in SQL cannot end a quoted text', () => {
  const sql = (text: string) =>
    interpolate(
      query({ queryType: 'sql', sql: text }),
      {},
      templates({ one: "o'brien\\", several: ['chat', "it's"], __from: '17' })
    ).sql;
  assert.equal(sql("service = '$one'"), "service = 'o\\'brien\\\\'");
  assert.equal(sql('service IN ($several)'), "service IN ('chat', 'it\\'s')");
  assert.equal(sql('$__timeFilter(t) AND $__from'), '$__timeFilter(t) AND 17');
});

test('a variable with several values makes several queries, told apart', () => {
  const several = templates({ service: ['chat', 'search', 'chat'], model: ['a', 'b'], log_type: '', one: ['chat'] });
  const expanded = expand(query({ service: '$service', model: '$model', logType: '$log_type' }), {}, several);
  assert.deepEqual(
    expanded.map((e) => [e.query.service, e.query.model, e.query.logType, e.labels]),
    [
      ['chat', 'a', '', { service: 'chat', model: 'a' }],
      ['chat', 'b', '', { service: 'chat', model: 'b' }],
      ['search', 'a', '', { service: 'search', model: 'a' }],
      ['search', 'b', '', { service: 'search', model: 'b' }],
    ]
  );
  assert.deepEqual(
    expand(query({ service: 'eu-$service' }), {}, several).map((e) => e.query.service),
    ['eu-chat', 'eu-search']
  );
  const single = expand(query({ service: '$one' }), {}, several);
  assert.deepEqual(
    single.map((e) => [e.query.service, e.labels]),
    [['chat', {}]]
  );
  // A repeated panel has one value of its own.
  const scoped = { service: { text: 'search', value: 'search' } };
  assert.deepEqual(
    expand(query({ service: '$service' }), scoped, several).map((e) => e.query.service),
    ['search']
  );
  assert.equal(expand(query({ queryType: 'sql', sql: '$service', service: '$service' }), {}, several).length, 1);
});
