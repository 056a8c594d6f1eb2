import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type DataFrame, FieldType, toDataFrame } from '@grafana/data';

import { rejoin, withRecent } from './frames';

function series(
  refId: string,
  times: number[],
  values: Array<number | null>,
  labels?: Record<string, string>
): DataFrame {
  return toDataFrame({
    refId,
    fields: [
      { name: 'time', type: FieldType.time, values: times },
      { name: 'rate', type: FieldType.number, values, labels },
    ],
  });
}

const rows = (frame: DataFrame | undefined) => frame?.fields.map((f) => [...f.values]);

test('answers to the queries that one was made of are that one’s', () => {
  const origins = new Map([
    ['A#1', { refId: 'A', labels: { service: 'chat' } }],
    ['A#2', { refId: 'A', labels: { service: 'search' } }],
  ]);
  const table = toDataFrame({ refId: 'A#2', fields: [{ name: 'requests', type: FieldType.number, values: [1] }] });
  const joined = rejoin(
    {
      data: [series('A#1', [1], [2]), table, series('B', [1], [3])],
      errors: [{ refId: 'A#2', message: 'timeout' }],
      error: { refId: 'A#2', message: 'timeout' },
    },
    origins
  );
  assert.deepEqual(
    joined.data.map((f: DataFrame) => [f.refId, f.name]),
    [
      ['A', undefined],
      ['A', 'search'],
      ['B', undefined],
    ]
  );
  assert.deepEqual(joined.errors, [{ refId: 'A', message: 'timeout' }]);
  assert.equal(joined.error?.refId, 'A');
});

test('recent windows take the place of historic ones', () => {
  const historic = [series('A', [0, 60, 120, 180], [1, 2, 3, 4])];
  const [merged] = withRecent(historic, [series('A', [120, 180, 240], [30, 40, 50])]);
  assert.deepEqual(rows(merged), [
    [0, 60, 120, 180, 240],
    [1, 2, 30, 40, 50],
  ]);
  assert.equal(merged?.length, 5);
  assert.deepEqual(rows(historic[0])?.[1], [1, 2, 3, 4], 'the historic answer is left as it was');
});

test('of a window that came several times the last counts', () => {
  const [merged] = withRecent([series('A', [0, 60], [1, 2])], [series('A', [60, 120, 60, 120], [5, 6, 7, 8])]);
  assert.deepEqual(rows(merged), [
    [0, 60, 120],
    [1, 7, 8],
  ]);
});

test('series are known by query and labels', () => {
  const historic = [
    series('A', [0], [1], { service: 'chat' }),
    series('A', [0], [2], { service: 'search' }),
    series('B', [0], [3]),
  ];
  const merged = withRecent(historic, [series('A', [60], [9], { service: 'search' }), series('C', [60], [7])]);
  assert.deepEqual(
    merged.map((f) => [f.refId, ...(rows(f)?.[1] ?? [])]),
    [
      ['A', 1],
      ['A', 2, 9],
      ['B', 3],
      ['C', 7],
    ]
  );
});

test('a field without recent values has nothing to say about recent windows', () => {
  const historic = toDataFrame({
    refId: 'A',
    fields: [
      { name: 'time', type: FieldType.time, values: [0] },
      { name: 'rate', type: FieldType.number, values: [1] },
      { name: 'gap_cv', type: FieldType.number, values: [2] },
    ],
  });
  const [merged] = withRecent([historic], [series('A', [60], [3])]);
  assert.deepEqual(rows(merged), [
    [0, 60],
    [1, 3],
    [2, null],
  ]);
});
