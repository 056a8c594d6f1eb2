import assert from 'node:assert/strict';
import { test } from 'node:test';

import { find, metrics } from '../test/fixtures';
import { search, selectable, shortTitle, shownByDefault, takes, unitOf } from './catalogue';

test('search finds by id, title, section, description and column, names first', () => {
  const ids = (text: string) => search(metrics, text).map((m) => m.id);
  assert.deepEqual(
    ids(''),
    metrics.map((m) => m.id)
  );
  assert.deepEqual(ids('ttft'), ['ttft']);
  assert.deepEqual(ids('LATENCY'), ['ttft', 'goodput']);
  assert.deepEqual(ids('token first'), ['ttft']);
  assert.deepEqual(ids('hour'), ['by_hour']);
  assert.deepEqual(ids('request'), ['rate', 'goodput', 'by_hour']);
  assert.deepEqual(ids('nothing like it'), []);
});

test('a metric takes what its view has parameters for', () => {
  const of = (id: string) => Object.entries(takes(find(id))).flatMap(([what, has]) => (has ? [what] : []));
  assert.deepEqual(of('rate'), ['service', 'stream', 'step', 'live']);
  assert.deepEqual(of('goodput'), ['service', 'stream', 'step', 'limits', 'live']);
  assert.deepEqual(of('by_hour'), ['service', 'stream', 'timeZone']);
  assert.deepEqual(of('gpu_utilisation'), ['host', 'gpu', 'step', 'live']);
  assert.deepEqual(of('late_data'), ['service']);
});

test('columns to choose are neither labels nor axes', () => {
  const names = (id: string) => selectable(find(id)).map((c) => c.name);
  assert.deepEqual(names('gpu_utilisation'), ['utilisation_mean']);
  assert.deepEqual(names('by_hour'), ['requests']);
  const ttft = find('ttft');
  assert.deepEqual(
    shownByDefault(ttft).map((c) => shortTitle(ttft, c)),
    ['p50', 'p99']
  );
});

test('a metric has a unit where its numbers have one', () => {
  assert.equal(unitOf(find('ttft')), 'seconds');
  assert.equal(unitOf(find('rate')), 'requests/s');
  assert.equal(unitOf(find('by_hour')), '');
});
