import assert from 'node:assert/strict';
import { test } from 'node:test';

import { parseStep, stepError } from './step';

test('a step is typed as seconds or with a unit', () => {
  const read = { '300': '300', '5m': '300', ' 2 h ': '7200', '1d': '86400', '90s': '90', auto: 'auto', $step: '$step' };
  for (const [typed, step] of Object.entries(read)) {
    assert.equal(parseStep(typed), step, typed);
  }
});

test('a step is a multiple of a minute', () => {
  for (const step of [undefined, 'auto', '0', '60', '1200', '$step', '[[step]]']) {
    assert.equal(stepError(step), undefined, step);
  }
  for (const step of ['90', 'often', '-60', '1.5']) {
    assert.match(stepError(step) ?? '', /multiple of 60 s/, step);
  }
});
