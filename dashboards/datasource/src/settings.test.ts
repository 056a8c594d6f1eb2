import assert from 'node:assert/strict';
import { test } from 'node:test';

import { addressError, numberError } from './settings';

test('an address has a scheme, a host and no password', () => {
  for (const address of [undefined, '', 'clickhouse://db:9000', 'https://db.example:8443', '$__file{/etc/address}']) {
    assert.equal(addressError(address), undefined, address);
  }
  assert.match(addressError('db:9000') ?? '', /begins with clickhouse:\/\//);
  assert.match(addressError('tcp://db:9000') ?? '', /begins with clickhouse:\/\//);
  assert.match(addressError('clickhouse://') ?? '', /a host and a port/);
  assert.match(addressError('clickhouse://me:secret@db:9000') ?? '', /fields of their own/);
});

test('a limit is above zero', () => {
  assert.equal(numberError(undefined, true), undefined);
  assert.equal(numberError(0.5, false), undefined);
  assert.match(numberError(0.5, true) ?? '', /whole number/);
  assert.match(numberError(0, false) ?? '', /above 0/);
  assert.match(numberError(Number.NaN, false) ?? '', /above 0/);
});
