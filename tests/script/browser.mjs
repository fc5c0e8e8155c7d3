// A browser, a site that embeds the script, and a collector that records what arrives.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium, kChromium, kFlags, kPatienceMs } from '../browser/harness.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
export const kResolveTestHosts = '--host-resolver-rules=MAP *.test 127.0.0.1';
export const binary = process.env.MAINSTAY_BIN ?? join(root, 'build', 'release', 'mainstay');

/** Every MAINSTAY_ variable is a setting; none of the caller's may reach the program. */
export function plainEnvironment() {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('MAINSTAY_')));
}

export function buildScript() {
  const target = join(mkdtempSync(join(tmpdir(), 'mainstay-script-')), 's.js');
  execFileSync('node', [join(root, 'web-script', 'build.mjs'), target]);
  return readFileSync(target);
}

export class Collector {
  constructor(script) {
    this.script = script;
    this.requests = []; // {host, path, type, event}, in the order of their arrival
    this.sent = []; // events of the watched page, in the order of their sending
    this.waiting = [];
    this.pages = new Map();
  }

  async start() {
    this.server = createServer((request, response) => this.answer(request, response));
    this.server.keepAliveTimeout = 0; // a beacon on a connection that just closed would be sent twice
    await new Promise((done) => this.server.listen(0, '127.0.0.1', done));
    this.port = this.server.address().port;
  }

  stop() {
    this.server?.closeAllConnections();
    this.server?.close();
  }

  origin(host = 'site.test') {
    return `http://${host}:${this.port}`;
  }

  answer(request, response) {
    const url = new URL(request.url, `http://${request.headers.host}`);
    if (request.method === 'POST' || url.pathname.endsWith('/beacon')) return this.record(url, request, response);
    if (url.pathname.endsWith('.js')) return response.setHeader('Content-Type', 'text/javascript').end(this.script);
    const html = this.pages.get(url.pathname) ?? '<!doctype html><title>Other</title><p>Nothing here';
    response.setHeader('Content-Type', 'text/html; charset=utf-8').end(html);
  }

  record(url, request, response) {
    const parts = [];
    request.on('data', (part) => parts.push(part));
    request.on('end', () => {
      const text = Buffer.concat(parts).toString();
      this.requests.push({
        host: url.hostname,
        path: url.pathname + url.search,
        type: request.headers['content-type'],
        cookie: request.headers.cookie,
        event: text.startsWith('{') ? JSON.parse(text) : text,
      });
      response.writeHead(204, { 'Access-Control-Allow-Origin': '*' }).end();
      for (const check of this.waiting) check();
    });
  }

  /** Keeps what `page` sends; the browser may send it on several connections, so it can arrive in another order. */
  watch(page) {
    page.on('request', (request) => {
      if (request.method() === 'POST' && request.url().endsWith('/beacon')) this.sent.push(request.postDataJSON());
    });
  }

  get events() {
    return this.requests.map((request) => request.event);
  }

  named(name) {
    return this.events.filter((event) => event.n === name);
  }

  /** Waits until `count` events of that name have come; answers them. */
  async until(name, count = 1) {
    await this.wait(`${count} × "${name}"`, () => this.named(name).length >= count);
    return this.named(name);
  }

  /** Waits until everything that the watched page has sent has come; answers it. */
  async all() {
    await this.wait(`all of ${JSON.stringify(this.sent)}`, () => this.requests.length >= this.sent.length);
    return this.events;
  }

  async wait(what, found) {
    if (found()) return;
    await new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no ${what} among ${JSON.stringify(this.events)}`)), kPatienceMs);
      this.waiting.push(() => {
        if (!found()) return;
        clearTimeout(timer);
        resolve();
      });
    });
  }
}

export async function openBrowser() {
  return chromium.launch({ executablePath: kChromium, args: [...kFlags, kResolveTestHosts] });
}

/** A page of the site; `tag` are further attributes of the script element. */
export function html({ tag = '', head = '', body = '<h1>Page</h1>', src = '/s.js' } = {}) {
  return `<!doctype html><title>Page</title>${head}<script defer src="${src}" data-site="7" ${tag}></script>${body}`;
}

/** Waits until the largest paint of the page is known; the browser tells none after a click. */
export async function painted(page) {
  for (const type of ['paint', 'largest-contentful-paint']) {
    await page.evaluate((type) => new Promise((done) => new PerformanceObserver(done).observe({ type, buffered: true })), type);
  }
}

/** Acts as the browser when a tab is hidden or shown again; answers the time on the page's clock just after. */
export async function setVisible(page, visible) {
  return page.evaluate((shown) => {
    Object.defineProperty(document, 'visibilityState', { value: shown ? 'visible' : 'hidden', configurable: true });
    document.dispatchEvent(new Event('visibilitychange'));
    return performance.now();
  }, visible);
}
