import assert from 'node:assert/strict';
import { test } from 'node:test';

import { find } from '../test/fixtures';
import { defaultQuery, firstSQL, ready, withMetric } from './query';

test('a new query takes the variables that the dashboard has', () => {
  assert.deepEqual(defaultQuery([]), {
    queryType: 'metric',
    metric: 'rate',
    service: '',
    model: '*',
    logType: '*',
    step: 'auto',
  });
  const query = defaultQuery(['service', 'model', 'log_type', 'else']);
  assert.deepEqual([query.service, query.model, query.logType], ['$service', '$model', '$log_type']);
});

test('another metric keeps the stream and drops what it does not take', () => {
  const query = {
    refId: 'A',
    metric: 'goodput',
    service: 'chat',
    model: 'small-8b',
    step: '300',
    columns: ['goodput'],
    limits: { ttft: 1 },
    live: true,
  };
  assert.deepEqual(withMetric(query, find('ttft')), {
    refId: 'A',
    queryType: 'metric',
    metric: 'ttft',
    service: 'chat',
    model: 'small-8b',
    step: '300',
    live: true,
  });
  assert.equal(withMetric(query, find('by_hour')).live, undefined);
  assert.deepEqual(withMetric(query, find('goodput')).limits, { ttft: 1 });
  assert.equal(withMetric(query, find('late_data')).queryType, 'annotations');
  // A metric that needs no service is not kept waiting for one.
  const fresh = { refId: 'A', service: '' };
  assert.equal('service' in withMetric(fresh, find('gpu_utilisation')), false);
  assert.equal(withMetric({ refId: 'A' }, find('rate')).service, '');
});

test('a query is run once it says what to ask', () => {
  assert.equal(ready({ refId: 'A', metric: 'rate', service: 'chat' }), true);
  assert.equal(ready({ refId: 'A', metric: 'rate', service: '' }), false);
  assert.equal(ready({ refId: 'A', metric: 'gpu_utilisation' }), true);
  assert.equal(ready({ refId: 'A', service: 'chat' }), false);
  assert.equal(ready({ refId: 'A', metric: 'rate', service: 'chat', hide: true }), false);
  assert.equal(ready({ refId: 'A', queryType: 'sql', sql: ' ' }), false);
  assert.equal(ready({ refId: 'A', queryType: 'sql', sql: 'SELECT 1', service: '' }), true);
});

test('SQL begins with the service that was chosen, quoted', () => {
  assert.match(firstSQL(undefined), /service = 'demo'/);
  assert.match(firstSQL("o'brien"), /service = 'o\\'brien'/);
  assert.match(firstSQL('$service'), /service = decodeURLComponent\('\$\{service:percentencode\}'\)/);
});
