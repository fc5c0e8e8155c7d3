import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { closeContext } from '../browser/harness.mjs';
import { Collector, buildScript, html, openBrowser, setVisible } from './browser.mjs';

const script = buildScript();
let browser;
let context;
let collector;
let page;

before(async () => {
  browser = await openBrowser();
});
after(() => browser.close());
beforeEach(async () => {
  collector = new Collector(script);
  await collector.start();
  context = await browser.newContext({ locale: 'de-AT', viewport: { width: 800, height: 600 } });
  page = await context.newPage();
  collector.watch(page);
});
afterEach(async () => {
  await closeContext(context);
  collector.stop();
});

/** Serves `options` at `path` and opens it; waits for the page view unless told that none comes. */
async function visit(options = {}, { path = '/', host = 'site.test', counted = true, query = '' } = {}) {
  collector.pages.set(path, html(options));
  await page.goto(collector.origin(host) + path + query);
  if (counted) await collector.until('pageview');
}

/** Everything that has been sent, once it and a last marker have arrived. */
async function settled() {
  await page.evaluate(() => mainstay('marker'));
  await collector.until('marker');
  return (await collector.all()).filter((event) => event.n !== 'marker');
}

test('calls made before the script arrives are not lost', async () => {
  await visit({
    head: `<script>window.mainstay=window.mainstay||function(){(mainstay.q=mainstay.q||[]).push(arguments)};
      mainstay('Early',{props:{plan:'pro'}})</script>`,
  });
  const [event] = await collector.until('Early');
  assert.deepEqual(event.p, { plan: 'pro' });
  assert.deepEqual(collector.sent.map((sent) => sent.n), ['pageview', 'Early']);
});

test('a custom event carries properties, revenue and whether somebody acted', async () => {
  await visit();
  await page.evaluate(() =>
    mainstay('Order', { props: { plan: 'pro' }, revenue: { amount: 12.5, currency: 'EUR' }, interactive: false }),
  );
  const [event] = await collector.until('Order');
  assert.deepEqual(event.p, { plan: 'pro' });
  assert.deepEqual(event.$, { amount: 12.5, currency: 'EUR' });
  assert.equal(event.i, false);
});

test('data attributes make an element an event', async () => {
  await visit({
    body: `<button data-mainstay-event="Sign up" data-mainstay-prop-plan="pro" data-mainstay-prop-from-where="top"
      data-mainstay-revenue="9.5" data-mainstay-currency="EUR"><b>Go</b></button>`,
  });
  await page.click('b');
  const [event] = await collector.until('Sign up');
  assert.deepEqual(event.p, { plan: 'pro', 'from-where': 'top' });
  assert.deepEqual(event.$, { amount: 9.5, currency: 'EUR' });
});

test('half a revenue is left out and does not cost the event', async () => {
  await visit({
    body: `<button id="no-currency" data-mainstay-event="No currency" data-mainstay-revenue="9.5">a</button>
      <button id="no-amount" data-mainstay-event="No amount" data-mainstay-currency="EUR">b</button>
      <button id="no-number" data-mainstay-event="No number" data-mainstay-revenue="much" data-mainstay-currency="EUR">c</button>
      <button id="empty" data-mainstay-event="Empty" data-mainstay-revenue="" data-mainstay-currency="">d</button>`,
  });
  for (const id of ['no-currency', 'no-amount', 'no-number', 'empty']) await page.click(`#${id}`);
  await page.evaluate(() => {
    mainstay('Amount only', { revenue: { amount: 12 } });
    mainstay('As text', { revenue: { amount: '12.50', currency: 'EUR' } });
  });
  const events = (await settled()).filter(({ n }) => n !== 'pageview' && n !== 'engagement');
  assert.equal(events.length, 6);
  assert.deepEqual(Object.fromEntries(events.map((event) => [event.n, event.$])), {
    'No currency': undefined,
    'No amount': undefined,
    'No number': undefined,
    'Empty': undefined,
    'Amount only': undefined,
    'As text': { amount: '12.50', currency: 'EUR' },
  });
});

test('a click on a link to another host is an event without the query', async () => {
  await visit({ body: '<a href="http://other.test/x?token=1#y">out</a><a id="in" href="/in">in</a>' });
  await page.evaluate(() => addEventListener('click', (event) => event.preventDefault()));
  await page.click('#in');
  await page.click('a');
  const events = await collector.until('Outbound Link: Click');
  assert.equal(events.length, 1);
  assert.deepEqual(events[0].p, { url: 'http://other.test/x' });
});

test('a middle click on a link to another host counts too, a right click does not', async () => {
  await visit({ body: '<a href="http://other.test/x">out</a>' });
  await page.click('a', { button: 'right' });
  await page.click('a', { button: 'middle' });
  await collector.until('Outbound Link: Click');
  assert.equal((await settled()).filter((event) => event.n === 'Outbound Link: Click').length, 1);
});

test('a click that leaves the page is still sent', async () => {
  await visit({ body: '<a href="http://other.test/x">out</a>' });
  await page.click('a');
  const [event] = await collector.until('Outbound Link: Click');
  assert.deepEqual(event.p, { url: 'http://other.test/x' });
});

test('downloads are events, by a list of extensions', async () => {
  await visit({ body: '<a id="a" href="/r.PDF">a</a><a id="b" href="/r.pdfx">b</a><a id="c" href="/r.xlsx?v=1">c</a>' });
  await page.evaluate(() => addEventListener('click', (event) => event.preventDefault()));
  for (const id of ['#a', '#b', '#c']) await page.click(id);
  const urls = (await collector.until('File Download', 2)).map((event) => new URL(event.p.url).pathname);
  assert.deepEqual(urls.sort(), ['/r.PDF', '/r.xlsx']);
});

test('data-files replaces the list of extensions', async () => {
  await visit({ tag: 'data-files="blend, step"', body: '<a id="a" href="/r.pdf">a</a><a id="b" href="/r.step">b</a>' });
  await page.evaluate(() => addEventListener('click', (event) => event.preventDefault()));
  await page.click('#a');
  await page.click('#b');
  const urls = (await collector.until('File Download')).map((event) => new URL(event.p.url).pathname);
  assert.deepEqual(urls, ['/r.step']);
});

test('a submitted form is an event without its fields', async () => {
  await visit({ body: '<form action="/other"><input name="secret" value="hush"><button>send</button></form>' });
  await page.click('button');
  const [event] = await collector.until('Form: Submission');
  assert.deepEqual(event.p, { path: '/' });
  assert.ok(!JSON.stringify(collector.requests).includes('hush'));
});

test('a form can have an event of its own', async () => {
  await visit({ body: '<form action="/other" data-mainstay-event="Newsletter"><button>send</button></form>' });
  await page.click('button');
  await collector.until('Newsletter');
  assert.equal(collector.named('Form: Submission').length, 0);
  assert.equal(collector.named('Newsletter').length, 1);
});

test('data-off switches automatic events off', async () => {
  await visit({
    tag: 'data-off="outbound files forms vitals"',
    body: '<a id="a" href="http://other.test/">a</a><a id="b" href="/r.pdf">b</a><form><button>c</button></form>',
  });
  await page.evaluate(() => {
    addEventListener('click', (event) => event.target.id && event.preventDefault());
    addEventListener('submit', (event) => event.preventDefault());
  });
  for (const id of ['#a', '#b', 'button']) await page.click(id);
  await setVisible(page, false);
  const names = (await settled()).map((event) => event.n);
  assert.deepEqual(names.sort(), ['engagement', 'pageview']);
});

test('data-404 reports the missing page', async () => {
  await visit({ tag: 'data-404' }, { path: '/gone' });
  const [event] = await collector.until('404');
  assert.deepEqual(event.p, { path: '/gone' });
  assert.equal(event.i, false);
});
