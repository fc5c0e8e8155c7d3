// How long a hit takes to move the counter on the dashboard in Chromium.
// usage: node live_browser.mjs BASE SITE DOMAIN EMAIL PASSWORD CHROMIUM HITS; prints {"p50","max","times"} in ms.
import { createRequire } from 'node:module'
import { request } from 'node:http'

const { chromium } = createRequire(new URL('../../tests/browser/', import.meta.url))('playwright-core')
const [base, site, domain, email, password, executablePath, hits] = process.argv.slice(2)
const kFlags = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync']
const kPatienceMs = 20_000
const kAgent = 'Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0'

/// A hit of a visitor who was not here before.
function hit(visitor) {
  const body = JSON.stringify({ site, name: 'pageview', url: `https://${domain}/` })
  return new Promise((done, fail) => {
    const call = request(`${base}/api/v1/beacon`, {
      method: 'POST', headers: {
        'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body), 'Origin': `https://${domain}`, 'User-Agent': kAgent,
        'Accept-Language': 'en-GB', 'X-Forwarded-For': `198.51.${100 + Math.floor(visitor / 200)}.${1 + visitor % 200}`,
      },
    }, (response) => { response.resume().on('end', () => response.statusCode === 204 ? done() : fail(new Error(`beacon: ${response.statusCode}`))) })
    call.on('error', fail)
    call.end(body)
  })
}

const browser = await chromium.launch({ executablePath, args: kFlags })
try {
  const page = await (await browser.newContext({ baseURL: base })).newPage()
  page.setDefaultTimeout(kPatienceMs)
  const answer = await page.request.post('/api/v1/session', { data: { email, password }, headers: { 'X-Mainstay-Request': '1', 'Origin': base, 'Sec-Fetch-Site': 'same-origin' } })
  if (!answer.ok()) throw new Error(`sign-in: ${answer.status()} ${await answer.text()}`)
  await page.goto(`/sites/${site}`)
  const counter = page.getByTestId('current-visitors')
  await counter.filter({ hasText: /\d/ }).waitFor()
  // The page itself notes when its counter changes; both processes read the same clock.
  await counter.evaluate((element) => {
    window.changes = []
    new MutationObserver(() => window.changes.push(Date.now())).observe(element, { childList: true, characterData: true, subtree: true })
  })
  const times = []
  for (let visitor = 0; visitor < Number(hits); visitor++) {
    // The stream sends at most every 250 ms: hits come at any moment of that.
    await new Promise(wake => setTimeout(wake, Math.random() * 500))
    await page.evaluate(() => { window.changes = [] })
    const sent = Date.now()
    await hit(visitor)
    await page.waitForFunction(() => window.changes.length > 0, undefined, { polling: 5 })
    times.push(await page.evaluate(() => window.changes[0]) - sent)
  }
  times.sort((a, b) => a - b)
  console.log(JSON.stringify({ p50: times[Math.floor(times.length / 2)], max: times.at(-1), times }))
}
finally { await browser.close() }
