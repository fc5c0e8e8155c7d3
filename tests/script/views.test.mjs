import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { closeContext } from '../browser/harness.mjs';
import { Collector, buildScript, html, openBrowser, painted, setVisible } from './browser.mjs';

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

test('the script stays under 2 kB gzip', () => {
  assert.ok(gzipSync(script, { level: 9 }).length < 2048);
});

test('a page view carries site, address, referrer, width and language', async () => {
  collector.pages.set('/from', `<a href="/p?utm_source=news&x=1#part">go</a>`);
  collector.pages.set('/p', html());
  await page.goto(collector.origin() + '/from');
  await page.click('a');
  const [event] = await collector.until('pageview');
  assert.equal(event.d, '7');
  assert.equal(event.u, collector.origin() + '/p?utm_source=news&x=1');
  assert.equal(event.r, collector.origin() + '/from');
  assert.equal(event.w, 800);
  assert.equal(event.l, 'de-AT');
  assert.equal(event.h, undefined);
});

test('events go as text/plain to the beacon of the host that serves the script', async () => {
  await visit({ src: `${collector.origin('stats.test')}/s.js` });
  const [request] = collector.requests;
  assert.equal(request.host, 'stats.test');
  assert.match(request.path, /^\/api\/v1\/beacon/);
  assert.match(request.type, /^text\/plain/);
});

test('the beacon follows a script path of its own and data-api', async () => {
  await visit({ src: '/assets/lib.js', tag: 'data-api="/elsewhere/beacon"' });
  assert.match(collector.requests[0].path, /^\/elsewhere\/beacon/);
});

test('nothing is stored in the browser', async () => {
  await visit();
  await settled();
  const stored = await page.evaluate(async () => [
    document.cookie,
    localStorage.length,
    sessionStorage.length,
    (await indexedDB.databases()).length,
  ]);
  assert.deepEqual(stored, ['', 0, 0, 0]);
  assert.deepEqual(await context.cookies(), []);
});

test('pushState, replaceState and going back are page views', async () => {
  await visit();
  await page.evaluate(() => history.pushState(null, '', '/a'));
  await collector.until('pageview', 2);
  await page.evaluate(() => history.replaceState(null, '', '/b'));
  await collector.until('pageview', 3);
  await page.evaluate(() => history.back());
  const urls = (await collector.until('pageview', 4)).map((event) => new URL(event.u).pathname);
  assert.deepEqual(urls, ['/', '/a', '/b', '/']);
});

test('a later view in the page names the one before as its referrer', async () => {
  await visit();
  await page.evaluate(() => history.pushState(null, '', '/a'));
  const views = await collector.until('pageview', 2);
  assert.equal(views[1].r, collector.origin() + '/');
});

test('a change of query or fragment is no page view', async () => {
  await visit();
  await page.evaluate(() => {
    history.replaceState(null, '', '/?tab=2');
    location.hash = 'x';
  });
  assert.equal((await settled()).filter((event) => event.n === 'pageview').length, 1);
});

test('with data-hash each fragment is a page', async () => {
  await visit({ tag: 'data-hash' });
  await page.evaluate(() => (location.hash = '/settings'));
  const views = await collector.until('pageview', 2);
  assert.equal(views[1].u, collector.origin() + '/#/settings');
  assert.equal(views[1].h, 1);
});

test('with data-manual nothing is a page view until told so', async () => {
  await visit({ tag: 'data-manual' }, { counted: false });
  await page.evaluate(() => history.pushState(null, '', '/a'));
  assert.deepEqual(await settled(), []);
  await page.evaluate(() => mainstay('pageview', { url: 'https://site.test/virtual', props: { kind: 'x' } }));
  const [event] = await collector.until('pageview');
  assert.equal(event.u, 'https://site.test/virtual');
  assert.deepEqual(event.p, { kind: 'x' });
});

test('properties on the script element go with every page view', async () => {
  await visit({ tag: 'data-mainstay-prop-author="Ada"' });
  assert.deepEqual(collector.named('pageview')[0].p, { author: 'Ada' });
});

test('hiding the page sends how far down it was seen', async () => {
  await visit({ body: '<div style="height:2400px">tall</div>', head: '<style>body{margin:0}</style>' });
  await page.evaluate(() => scrollTo(0, 600));
  await page.waitForFunction(() => scrollY === 600);
  await page.evaluate(() => new Promise(requestAnimationFrame));
  await setVisible(page, false);
  const [event] = await collector.until('engagement');
  assert.equal(event.sd, 50);
  assert.equal(event.u, collector.origin() + '/');
  assert.ok(Number.isInteger(event.e) && event.e >= 0);
});

test('only time in which the page is visible and has the focus counts', async () => {
  await page.clock.install();
  await visit();
  await page.clock.fastForward(4_000);
  const blurred = await page.evaluate(() => {
    dispatchEvent(new Event('blur'));
    return performance.now();
  });
  await collector.until('engagement');
  await page.clock.fastForward(60_000);
  const focused = await page.evaluate(() => {
    const now = performance.now();
    dispatchEvent(new Event('focus'));
    return now;
  });
  await page.clock.fastForward(5_000);
  const hidden = await setVisible(page, false);
  const [first, second] = (await collector.until('engagement', 2)).map((event) => event.e);
  assert.ok(first >= 4_000 && first <= blurred + 1, `${first} ms of ${blurred}`);
  assert.ok(second >= 5_000 && second <= hidden - focused + 1, `${second} ms of ${hidden - focused}`);
});

test('a short second look without further scrolling sends nothing', async () => {
  await page.clock.install();
  await visit();
  await setVisible(page, false);
  await collector.until('engagement');
  await page.clock.pauseAt(Date.now() + 3_600_000);
  await setVisible(page, true);
  await page.clock.fastForward(1_000);
  await setVisible(page, false);
  assert.equal((await settled()).filter((event) => event.n === 'engagement').length, 1);
});

test('navigation inside the page ends the engagement of the page before', async () => {
  await visit();
  await page.evaluate(() => history.pushState(null, '', '/a'));
  await collector.until('pageview', 2);
  const [event] = await collector.until('engagement');
  assert.equal(event.u, collector.origin() + '/');
  const names = collector.sent.map((sent) => sent.n).filter((name) => name !== 'vitals');
  assert.deepEqual(names, ['pageview', 'engagement', 'pageview']);
});

test('leaving for another page sends engagement', async () => {
  await visit();
  await page.goto(collector.origin() + '/other');
  const [event] = await collector.until('engagement');
  assert.equal(event.u, collector.origin() + '/');
});

test('web vitals are sent once, when the page is first hidden', async () => {
  await visit({ body: '<h1>Big</h1><button>press</button>' });
  await painted(page);
  await page.click('button');
  await setVisible(page, false);
  await setVisible(page, true);
  await setVisible(page, false);
  const sent = (await settled()).filter((event) => event.n === 'vitals');
  assert.equal(sent.length, 1);
  const { lcp, fcp, cls, ttfb } = sent[0].v;
  for (const value of [lcp, fcp, ttfb]) assert.ok(Number.isInteger(value) && value >= 0, JSON.stringify(sent[0].v));
  assert.equal(cls, 0);
});

test('a layout shift is measured', async () => {
  await visit({ body: '<p id="late"></p><h1>Moves</h1>' });
  await page.waitForFunction(() => performance.getEntriesByType('paint').length > 0);
  await page.evaluate(async () => {
    const shifted = new Promise((done) => new PerformanceObserver(done).observe({ type: 'layout-shift' }));
    document.getElementById('late').style.height = '300px';
    await shifted;
  });
  await setVisible(page, false);
  const [event] = await collector.until('vitals');
  assert.ok(event.v.cls > 0);
});

test('#mainstay-ignore takes this browser out and says so, #mainstay-count brings it back', async () => {
  const said = [];
  page.on('dialog', async (dialog) => {
    said.push(dialog.message());
    await dialog.accept();
  });
  await visit({}, { query: '#mainstay-ignore', counted: false });
  assert.equal(await page.evaluate(() => localStorage.mainstay_ignore), 'true');
  await page.goto(collector.origin() + '/other');
  await page.goto(collector.origin() + '/');
  await page.evaluate(() => mainstay('Nothing'));
  assert.deepEqual(collector.events, []);
  await page.goto(collector.origin() + '/other');
  await page.goto(collector.origin() + '/#mainstay-count');
  await collector.until('pageview');
  assert.equal(said.length, 2);
  assert.match(said[0], /no longer counted on site\.test/);
  assert.match(said[1], /is counted on site\.test/);
});

test('localhost is not counted unless data-local is there', async () => {
  await visit({}, { host: 'localhost', counted: false });
  await page.evaluate(() => mainstay('Nothing'));
  assert.deepEqual(collector.events, []);
  await visit({ tag: 'data-local' }, { host: 'localhost', path: '/second' });
  assert.equal(collector.named('pageview').length, 1);
});

test('a page that comes back from the back-forward cache is viewed again', async () => {
  await visit();
  await page.evaluate(() => dispatchEvent(new PageTransitionEvent('pageshow', { persisted: false })));
  await page.evaluate(() => dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true })));
  assert.equal((await settled()).filter((event) => event.n === 'pageview').length, 2);
});

test('a page that nobody sees is not a view until it is shown', async () => {
  await page.addInitScript(() =>
    Object.defineProperty(document, 'visibilityState', { value: 'hidden', configurable: true }),
  );
  await visit({}, { counted: false });
  await page.evaluate(() => mainstay('Early'));
  assert.deepEqual(collector.events, []);
  await setVisible(page, true);
  await collector.until('Early');
  assert.deepEqual(collector.sent.map((event) => event.n), ['pageview', 'Early']);
});

test('an automated browser says so, another does not', async () => {
  await page.addInitScript(() => Object.defineProperty(navigator, 'webdriver', { get: () => false, configurable: true }));
  await visit();
  await page.addInitScript(() => Object.defineProperty(navigator, 'webdriver', { get: () => true, configurable: true }));
  await visit({}, { path: '/second' });
  await collector.until('pageview', 2);
  assert.deepEqual(collector.named('pageview').map((event) => event.wd), [undefined, 1]);
});

test('where beacons are refused, fetch takes their place', async () => {
  await page.addInitScript(() => (navigator.sendBeacon = () => false));
  await visit();
  await page.addInitScript(() => (navigator.sendBeacon = undefined));
  await visit({}, { path: '/second' });
  const views = await collector.until('pageview', 2);
  assert.equal(views.length, 2);
  assert.match(collector.requests[0].type, /^text\/plain/);
});

test('an address longer than the collector takes is cut', async () => {
  await visit({}, { query: `?x=${'y'.repeat(3000)}` });
  assert.equal(collector.named('pageview')[0].u.length, 2000);
});

test('nothing but the script and the beacon is asked for', async () => {
  const asked = [];
  page.on('request', (request) => asked.push(new URL(request.url()).pathname));
  await visit();
  await settled();
  assert.deepEqual([...new Set(asked)].filter((path) => path !== '/favicon.ico').sort(), ['/', '/api/v1/beacon', '/s.js']);
});
