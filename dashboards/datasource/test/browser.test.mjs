// Uses the editors in a real browser, on the harness's page, with the catalogue that the backend has: what jsdom cannot show is
// whether a list opens, an editor of SQL is there, and whether it can be read. Pictures are left in .cache/pictures.
import assert from 'node:assert/strict';
import { access, mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

import { serve } from '../harness/server.mjs';

const cache = path.join(path.dirname(fileURLToPath(import.meta.url)), '../.cache');
const pictures = path.join(cache, 'pictures');
const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
const there = await access(executablePath).then(
  () => true,
  () => false
);
// A laptop may have none; CI has to.
const skip =
  !there && process.env.CI !== 'true' && `there is no browser at ${executablePath}: install chromium, or set CHROMIUM`;

let browser;
let server;
before(async () => {
  if (skip) {
    return;
  }
  await mkdir(pictures, { recursive: true });
  server = await serve(JSON.parse(await readFile(path.join(cache, 'catalogue.json'), 'utf8')));
  browser = await chromium.launch({
    executablePath,
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-background-networking'],
  });
});
after(async () => {
  await browser?.close();
  server?.close();
});

/** open shows an editor; what a page throws fails the test that has opened it. */
async function open(t, address) {
  const page = await browser.newPage({ viewport: { width: 1100, height: 760 } });
  page.setDefaultTimeout(20_000);
  const thrown = [];
  page.on('pageerror', (error) => thrown.push(error));
  t.after(async () => {
    await page.close();
    assert.deepEqual(thrown, []);
  });
  await page.goto(`${server.address}/?${address}`);
  return page;
}

const combobox = (page, name) => page.getByRole('combobox', { name, exact: true });

async function choose(page, name, option) {
  await combobox(page, name).click();
  await page.getByRole('option', { name: option }).first().click();
}

/** query waits until the query that the page shows is as expected. */
async function query(page, name, expected) {
  await page.waitForFunction(
    ([id, part]) => {
      const shown = JSON.parse(document.querySelector(`[data-testid="${id}-json"]`).textContent);
      return Object.entries(part).every(([key, value]) => JSON.stringify(shown[key]) === JSON.stringify(value));
    },
    [name, expected]
  );
}

for (const theme of ['dark', 'light']) {
  test(`a query is chosen, then written in SQL (${theme})`, { skip }, async (t) => {
    const page = await open(t, `theme=${theme}`);
    await query(page, 'query', { queryType: 'metric', metric: 'rate', service: 'chat', model: '*', step: 'auto' });

    await combobox(page, 'Metric').click();
    await page.keyboard.type('first token');
    await page
      .getByRole('option', { name: /^Time to first token/ })
      .first()
      .waitFor();
    await page.screenshot({ path: path.join(pictures, `search-${theme}.png`) });
    await page
      .getByRole('option', { name: /^Time to first token/ })
      .first()
      .click();
    await query(page, 'query', { metric: 'ttft', service: 'chat' });
    await page.getByText('From arrival to the first token').waitFor();

    await choose(page, 'Quantiles and columns', /^p99/);
    await page.keyboard.press('Escape');
    await choose(page, 'Service', 'search');
    await choose(page, 'Model', 'qwen3-32b');
    await choose(page, 'Log type', /^\(none\)/);
    await choose(page, 'Step', /^5 minutes/);
    await query(page, 'query', {
      metric: 'ttft',
      columns: ['ttft_p99'],
      service: 'search',
      model: 'qwen3-32b',
      logType: '',
      step: '300',
    });
    // Each choice has asked the database once: the service that was filled in, and six that were made.
    await page.getByRole('heading', { name: 'run 7 times' }).waitFor();
    await page.screenshot({ path: path.join(pictures, `metric-${theme}.png`) });

    await page.getByRole('radio', { name: 'SQL' }).click();
    await page.locator('.monaco-editor .view-line').filter({ hasText: 'arrivals' }).waitFor();
    await page.locator('.monaco-editor .view-line').first().click();
    await page.keyboard.press('ControlOrMeta+A');
    await page.keyboard.type('SELECT 1 AS one');
    await page.getByText('Macros and views').click();
    await query(page, 'query', { queryType: 'sql', sql: 'SELECT 1 AS one', format: 'time_series' });
    await page.getByRole('radio', { name: 'Table' }).click();
    await query(page, 'query', { format: 'table' });
    await page.getByText('lies in the panel’s time range').waitFor();
    await page.screenshot({ path: path.join(pictures, `sql-${theme}.png`) });

    // The choice is still there.
    await page.getByRole('radio', { name: 'Metric' }).click();
    await query(page, 'query', { queryType: 'metric', metric: 'ttft', service: 'search' });
  });
}

test('metrics with all kinds of parameters can be chosen', { skip }, async (t) => {
  const page = await open(t, '');
  const { metrics } = JSON.parse(await readFile(path.join(cache, 'catalogue.json'), 'utf8'));
  await query(page, 'query', { service: 'chat' });
  // One for each set of parameters: those are what the editor's fields depend on.
  const different = [...new Map(metrics.map((m) => [String(m.parameters), m])).values()];
  for (const metric of different.filter((m) => m.kind !== 'annotations')) {
    await combobox(page, 'Metric').click();
    await page.keyboard.type(metric.id);
    await page
      .getByRole('option', { name: metric.title })
      .filter({ hasText: new RegExp(`${metric.id}( ·|$)`) })
      .first()
      .click();
    await query(page, 'query', { metric: metric.id });
    await page.getByLabel('About the metric').getByText(metric.description).waitFor();
  }
});

test('settings are filled in, and what is wrong with them is said', { skip }, async (t) => {
  const page = await open(t, 'show=config&theme=light');
  await page.getByLabel('Address').fill('db:9000');
  await page.getByText('An address begins with clickhouse://').waitFor();
  await page.getByLabel('Address').fill('clickhouses://db.example:9440');
  await page.getByLabel('User').fill('grafana');
  await page.getByLabel('Password').fill('secret');
  await page.getByLabel('Answer within (s)').fill('20');
  await query(page, 'config', {
    jsonData: { address: 'clickhouses://db.example:9440', user: 'grafana', queryTimeout: 20 },
    secureJsonData: { password: 'secret' },
  });
  assert.equal(await page.getByText('An address begins with clickhouse://').count(), 0);
  await page.screenshot({ path: path.join(pictures, 'config-light.png'), fullPage: true });
});

test('a variable lists the models of a service', { skip }, async (t) => {
  const page = await open(t, 'show=variable&variables=service:chat');
  await choose(page, 'List', /^Models/);
  await choose(page, 'Service', /^\$service/);
  await query(page, 'variable', { queryType: 'variable', variable: 'models', service: '$service' });
  await page.screenshot({ path: path.join(pictures, 'variable-dark.png') });
});
