// Starts the built binary and a browser for one file of journeys, and ends both.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { request } from 'node:http'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright-core'

const kHere = fileURLToPath(new URL('.', import.meta.url))
const kBinary = resolve(process.env.MAINSTAY_BIN ?? join(kHere, '../../build/release/mainstay'))
export const kChromium = process.env.CHROMIUM ?? '/usr/bin/chromium'
export const kFlags = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync']
const kStopMs = 10_000
export { chromium }
export const kPatienceMs = 60_000

export const kOwner = { name: 'Ada Keel', email: 'ada@harbour.example', password: 'a mast needs its stays' }
/// A zone in which it is about noon now: no test there runs into another day.
const kHoursToNoon = 12 - new Date().getUTCHours()
export const kNoonZone = kHoursToNoon === 0 ? 'UTC' : `Etc/GMT${kHoursToNoon > 0 ? '-' : '+'}${Math.abs(kHoursToNoon)}`
export const kDomain = 'harbour.example'
export const kVisitors = 12
const kAgents = [
  'Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0',
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15',
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36',
]
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/// Polls `check` until it gives something; a journey never waits for a fixed time.
export async function until(what, check, patience = kPatienceMs) {
  const end = Date.now() + patience
  for (;;) {
    const found = await check()
    if (found) return found
    assert.ok(Date.now() < end, `${what}: not within ${patience} ms`)
    await new Promise(wake => setTimeout(wake, 50))
  }
}

/// The server takes every MAINSTAY_ variable for a setting.
function plainEnvironment() {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('MAINSTAY_')))
}

/// One request as it is, with headers that `fetch` would not let through.
export function send(base, method, path, { headers = {}, body } = {}) {
  const text = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body)
  return new Promise((done, fail) => {
    const call = request(base + path, { method, agent: false, headers: { ...(text === undefined ? {} : { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) }), ...headers } }, (response) => {
      let answer = ''
      response.setEncoding('utf8').on('data', part => { answer += part }).on('end', () => done({ status: response.statusCode, headers: response.headers, text: answer }))
    })
    call.on('error', fail)
    call.end(text)
  })
}

export class Harness {
  /// `flags` are further ones of Chromium's command line.
  static async start({ flags = [] } = {}) {
    const harness = new Harness()
    try { await harness.#start(flags) }
    catch (error) { await harness.stop(); throw error }
    return harness
  }

  async #start(flags) {
    this.data = await mkdtemp(join(tmpdir(), 'mainstay-browser-'))
    this.output = ''
    this.server = spawn(kBinary, ['serve', '--data', this.data, '--listen', '127.0.0.1:0'], { stdio: ['ignore', 'pipe', 'pipe'], env: plainEnvironment() })
    this.server.on('error', (error) => { this.output += String(error) })
    for (const stream of [this.server.stdout, this.server.stderr]) stream.on('data', part => { this.output = (this.output + part).slice(-20_000) })
    const port = await until('the server is ready', () => {
      assert.equal(this.server.exitCode, null, `the server ended:\n${this.output}`)
      return /ready address="http:[^"]*:(\d+)"/.exec(this.output)?.[1]
    })
    this.base = `http://127.0.0.1:${port}`
    this.browser = await chromium.launch({ executablePath: kChromium, args: [...kFlags, ...flags] })
    this.foreign = []
    this.complaints = []
  }

  async stop() {
    await Promise.race([this.browser?.close(), new Promise(late => setTimeout(late, kStopMs).unref())])
    if (this.server?.pid && this.server.exitCode === null && this.server.signalCode === null) {
      const ended = new Promise(done => this.server.once('exit', done))
      this.server.kill('SIGTERM')
      const hard = setTimeout(() => this.server.kill('SIGKILL'), kStopMs)
      await ended
      clearTimeout(hard)
    }
    if (this.data) await rm(this.data, { recursive: true, force: true })
  }

  /// A fresh browser profile with one page. Requests to other hosts and errors of the page are kept.
  async page(options = {}) {
    const context = await this.browser.newContext({ viewport: { width: 1280, height: 900 }, locale: 'en-US', timezoneId: kNoonZone, reducedMotion: 'reduce', baseURL: this.base, ...options })
    context.setDefaultTimeout(kPatienceMs)
    const page = await context.newPage()
    page.on('request', (made) => { if (!made.url().startsWith(`${this.base}/`) && !/^(data|blob|about):/.test(made.url())) this.foreign.push(made.url()) })
    page.on('pageerror', (error) => { this.complaints.push(`${page.url()}: ${error.message}`) })
    page.on('console', (message) => { if (message.type() === 'error' && /Content Security Policy|Refused to|violates/.test(message.text())) this.complaints.push(`${page.url()}: ${message.text()}`) })
    return page
  }

  /// The owner's account, made through the API, and a page that is signed in with it.
  async owner(options) {
    const page = await this.page(options)
    const has = await (await page.request.get('/api/v1/session')).json()
    const answer = has.setup_required
      ? await this.call(page, 'post', '/api/v1/setup', kOwner)
      : await this.call(page, 'post', '/api/v1/session', { email: kOwner.email, password: kOwner.password })
    assert.equal(answer.user.email, kOwner.email)
    return page
  }

  /// A call of the API with the page's session; asserts that it is granted.
  async call(page, method, path, data) {
    const response = await page.request[method](path, { data, headers: { 'X-Mainstay-Request': '1', 'Origin': this.base, 'Sec-Fetch-Site': 'same-origin' } })
    assert.ok(response.ok(), `${method} ${path}: ${response.status()} ${await response.text()}`)
    return response.status() === 204 ? undefined : response.json()
  }

  /// A hit of visitor number `visitor`, as the tracking script sends it; asserts that it is stored.
  async hit(site, visitor, event = {}) {
    const body = { site: site.id, name: 'pageview', url: `https://${site.domain}/`, ...event }
    const answer = await send(this.base, 'POST', '/api/v1/beacon', {
      body, headers: { 'Origin': `https://${site.domain}`, 'User-Agent': kAgents[visitor % kAgents.length], 'Accept-Language': 'en-GB,en;q=0.8', 'X-Forwarded-For': `198.51.${100 + Math.floor(visitor / 200)}.${1 + visitor % 200}` },
    })
    assert.equal(answer.status, 204, answer.text)
  }

  /// A site with its visits of today: all its visitors saw the prices and a post each, every third came from Google.
  async visitedSite(page) {
    const site = await this.call(page, 'post', '/api/v1/sites', { domain: kDomain, timezone: kNoonZone })
    const referrers = ['https://www.google.com/', 'https://news.ycombinator.com/item?id=1', '']
    for (let visitor = 0; visitor < kVisitors; visitor++) {
      await this.hit(site, visitor, { url: `https://${kDomain}/pricing`, referrer: referrers[visitor % 3] })
      await this.hit(site, visitor, { url: `https://${kDomain}/blog/post-${visitor}` })
    }
    return site
  }

  assertNoOtherHost() { assert.deepEqual(this.foreign, []) }
  assertNoComplaint() { assert.deepEqual(this.complaints, []) }
}

/// Closes a browser context. Chromium forgets to when one of its pages has just begun to show another document, so they come to rest first.
export async function closeContext(context) {
  for (const page of context.pages()) await page.goto('about:blank').catch(() => undefined)
  await context.close()
}

/// A number at the top of the dashboard, as it is written there.
export const value = (page, name) => page.getByTestId(`tile-${name}`).locator('[data-value]').innerText()
export const card = (page, name) => page.getByTestId(`card-${name}`)

/// Saves a section of the settings. That it is saved is said for a moment only, so the wait for it begins before the click.
export async function save(page, button = page.getByRole('button', { name: 'Save' })) {
  await Promise.all([page.getByText('Saved', { exact: true }).waitFor(), button.click()])
}

/// Takes `measure` of each script that `page` loads from now on, until what this answers is called: that gives all of them.
export function scriptsOf(page, measure) {
  const found = []
  const listen = (response) => { if (/\.js$/.test(new URL(response.url()).pathname)) found.push(measure(response)) }
  page.on('response', listen)
  return () => {
    page.off('response', listen)
    return Promise.all(found)
  }
}

/// Serious and critical findings of axe-core on the page as it stands.
export async function seriousFindings(page) {
  await page.evaluate(axe)
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }))
  return violations.filter(found => ['serious', 'critical'].includes(found.impact))
    .map(found => `${found.id}: ${found.nodes.map(node => `${node.target.join(' ')} (${node.failureSummary?.split('\n')[1]?.trim()})`).join('; ')}`)
}

/// The page has come to rest: nothing loads any more.
export async function settled(page) {
  await page.waitForLoadState('load')
  await until('nothing is loading', () => page.evaluate(() => document.querySelector('h1') !== null && !document.querySelector('[aria-busy="true"], [data-slot="skeleton"]') && document.fonts.status === 'loaded'))
}
