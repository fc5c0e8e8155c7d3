// The script in a browser, the built program behind it: what happens on a page is in the reports.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, before, test } from 'node:test';
import { Harness, closeContext, kOwner, until } from '../browser/harness.mjs';
import { Collector, binary, kResolveTestHosts, painted, plainEnvironment, setVisible } from './browser.mjs';

const AGENT = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36';

const pages = new Collector('');
let harness;
let site;
let token;

const mainstay = (parts, input) =>
  execFileSync(binary, [...parts, '--data', harness.data], { input, env: plainEnvironment(), encoding: 'utf8', timeout: 60_000 }).trim();

async function query(body) {
  const response = await fetch(`${harness.base}/api/v2/query`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
    body: JSON.stringify({ site_id: site.id, date_range: '7d', ...body }),
  });
  const answer = await response.json();
  assert.equal(response.status, 200, JSON.stringify(answer));
  return answer.results;
}

before(async () => {
  harness = await Harness.start({ flags: [kResolveTestHosts] });
  mainstay(['admin', 'owner', 'create', '--email', kOwner.email, '--password-stdin'], `${kOwner.password}\n`);
  site = JSON.parse(mainstay(['admin', 'site', 'create', '--domain', 'site.test', '--timezone', 'UTC']));
  token = mainstay(['admin', 'token', 'create', '--email', kOwner.email, '--name', 'test']);
  await pages.start();
  const snippet = `<script defer src="http://stats.test:${new URL(harness.base).port}/s.js" data-site="${site.id}"></script>`;
  pages.pages.set('/', `<!doctype html><title>Home</title>${snippet}<h1>Home</h1><a href="http://other.test/x">out</a>
    <button data-mainstay-event="Order" data-mainstay-prop-plan="pro" data-mainstay-revenue="12.5" data-mainstay-currency="EUR">buy</button>`);
});

after(async () => {
  await harness?.stop();
  pages.stop();
});

test('what happens on a page is in the reports', async () => {
  const context = await harness.browser.newContext({ userAgent: AGENT, viewport: { width: 1400, height: 800 }, locale: 'de-AT' });
  const page = await context.newPage();
  await page.addInitScript(() => Object.defineProperty(navigator, 'webdriver', { get: () => false }));
  const refused = [];
  page.on('response', (response) => {
    if (response.url().includes('/api/v1/beacon') && response.status() !== 204) refused.push(response.status());
  });
  await page.goto(`${pages.origin()}/?utm_source=newsletter&utm_campaign=launch`);
  await painted(page);
  await page.click('button');
  await page.evaluate(() => addEventListener('click', (event) => event.preventDefault()));
  await page.click('a');
  await page.evaluate(() => history.pushState(null, '', '/second'));
  await setVisible(page, false);

  const names = await until('all events are reported', async () => {
    const rows = await query({ metrics: ['events'], dimensions: ['event:name'] });
    const found = Object.fromEntries(rows.map(({ dimensions, metrics }) => [dimensions[0], metrics[0]]));
    return found.pageview === 2 && found.Order === 1 && found['Outbound Link: Click'] === 1 ? found : null;
  });
  assert.deepEqual(Object.keys(names).sort(), ['Order', 'Outbound Link: Click', 'pageview']);
  const [{ metrics }] = await query({ metrics: ['visitors', 'visits', 'bounce_rate'] });
  assert.deepEqual(metrics, [1, 1, 0]);
  const orders = [['is', 'event:name', ['Order']]];
  const plan = await query({ metrics: ['events'], dimensions: ['event:props:plan'], filters: orders });
  assert.deepEqual(plan.map((row) => row.dimensions[0]), ['pro']);
  const [revenue] = await query({ metrics: ['total_revenue'], filters: orders });
  assert.match(JSON.stringify(revenue.metrics[0]), /12\.5/);
  const source = await query({ metrics: ['visitors'], dimensions: ['visit:utm_campaign'] });
  assert.deepEqual(source.map((row) => row.dimensions[0]), ['launch']);
  const [vitals] = await until('web vitals are reported', async () => {
    const rows = await query({ metrics: ['lcp_p75', 'fcp_p75', 'ttfb_p75'] });
    return rows[0]?.metrics.every((value) => typeof value === 'number') ? rows : null;
  });
  assert.equal(vitals.metrics.length, 3);
  assert.deepEqual(refused, []);
  await closeContext(context);
});

test('a browser driven by a program is counted as a robot', async () => {
  const context = await harness.browser.newContext({ userAgent: AGENT });
  const page = await context.newPage();
  await page.addInitScript(() => Object.defineProperty(navigator, 'webdriver', { get: () => true }));
  await page.goto(`${pages.origin()}/`);
  const bot = await until('the robot is in the ledger', async () => {
    const response = await fetch(`${harness.base}/api/v1/sites/${site.id}/bots`, { headers: { Authorization: `Bearer ${token}` } });
    return (await response.json()).items?.[0];
  });
  assert.equal(bot.reason, 'webdriver');
  await closeContext(context);
});
