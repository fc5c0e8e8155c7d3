import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Harness, closeContext, kDomain, kNoonZone, save, scriptsOf, send, seriousFindings, settled, until } from './harness.mjs'

let mainstay, site, share
const kBots = ['Mozilla/5.0 (compatible; GPTBot/1.2; +https://openai.com/gptbot)', 'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)', 'curl/8.5.0']
const kSections = ['general', 'install', 'goals', 'excluded', 'privacy', 'annotations', 'shares', 'delete']

/// A reader whose clock shows another time than the site's.
const kElsewhere = { timezoneId: 'Europe/Berlin' }
/// What a page has only when it is whole, where nothing says until then that it loads.
const kLastParts = [[/details=/, '[data-testid="details-row"]'], [/classify/, 'section[aria-label="Verdict"]']]

/// Bots that come by a site, and a hit of it that is refused.
async function visitInVain({ id, domain }) {
  for (const agent of kBots) await send(mainstay.base, 'POST', '/api/v1/beacon', { body: { site: id, url: `https://${domain}/` }, headers: { 'Origin': `https://${domain}`, 'User-Agent': agent, 'X-Forwarded-For': '203.0.113.9' } })
  await send(mainstay.base, 'POST', '/api/v1/beacon', { body: { site: id, url: 'https://a-server-with-a-rather-long-name.staging.example/' }, headers: { Origin: 'https://a-server-with-a-rather-long-name.staging.example' } })
}

async function open(page, path) {
  await page.goto(path)
  for (const [paths, part] of kLastParts) if (paths.test(path)) await page.locator(part).first().waitFor()
  await settled(page)
}

before(async () => {
  mainstay = await Harness.start()
  const page = await mainstay.owner()
  site = await mainstay.call(page, 'post', '/api/v1/sites', { domain: kDomain, timezone: 'America/New_York' })
  share = await mainstay.call(page, 'post', `/api/v1/sites/${site.id}/shares`, { name: 'Public' })
  for (let visitor = 0; visitor < 6; visitor++) await mainstay.hit(site, visitor, { url: `https://harbour.example/a/rather/long/path/that/has/to/be/cut/somewhere/${visitor}`, referrer: 'https://duckduckgo.com/' })
  await mainstay.hit(site, 0, { name: 'Signup', props: { plan: 'team' } })
  await send(mainstay.base, 'POST', '/api/v1/beacon', { body: { site: 'harbuor.example', url: 'https://harbour.example/' }, headers: { Origin: 'https://harbour.example' } })
  await visitInVain(site)
  await closeContext(page.context())
})
after(() => mainstay?.stop())

const inside = () => [
  '/sites', '/sites/new', '/ledger', `/sites/${site.id}`, `/sites/${site.id}?period=realtime`, `/sites/${site.id}?period=day&compare=previous_period&f=is,event:page,/none&behaviour=vitals&places=countries`, `/sites/${site.id}?period=day&behaviour=properties`,
  `/sites/${site.id}?period=7d&details=top`, `/sites/${site.id}/install`, `/sites/${site.id}/ledger`, ...kSections.map(section => `/sites/${site.id}/settings/${section}`),
  '/analytics/classify?user_agent=curl/8.5.0', '/account', '/no/such/page', '/sites/123', '/sites/123/ledger', '/sites/123/install', '/sites/123/settings',
]

for (const scheme of ['light', 'dark']) {
  test(`axe-core finds nothing serious, ${scheme}`, async () => {
    const page = await mainstay.owner({ ...kElsewhere, colorScheme: scheme })
    const guest = await mainstay.page({ ...kElsewhere, colorScheme: scheme })
    const findings = []
    for (const [who, path] of [...inside().map(path => [page, path]), [guest, `/share/${share.token}`], [guest, `/share/${share.token}?embed=1`], [guest, '/sign-in']]) {
      await open(who, path)
      findings.push(...(await seriousFindings(who)).map(found => `${path}: ${found}`))
    }
    assert.deepEqual(findings, [])
    await closeContext(page.context())
    await closeContext(guest.context())
  })
}

for (const width of [360, 2560]) {
  test(`no page is wider than a screen of ${width} px`, async () => {
    const page = await mainstay.owner({ ...kElsewhere, viewport: { width, height: 780 }, isMobile: width < 500, hasTouch: width < 500 })
    const wide = []
    for (const path of [...inside(), `/share/${share.token}`, `/share/${share.token}?embed=1`]) {
      await open(page, path)
      const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
      if (over > 0) wide.push(`${path}: ${over} px too wide`)
    }
    assert.deepEqual(wide, [])
    await closeContext(page.context())
  })
}

test('every page has one title and one main heading', async () => {
  const page = await mainstay.owner()
  for (const path of inside()) {
    await open(page, path)
    assert.equal(await page.locator('h1').count(), 1, path)
    assert.match(await page.title(), /Mainstay/, path)
  }
})

test('the script of the first load is at most 250 kB compressed', async () => {
  const page = await mainstay.page()
  const loaded = scriptsOf(page, async response => (await response.request().sizes()).responseBodySize)
  await page.goto('/sign-in')
  await settled(page)
  const bytes = (await loaded()).reduce((sum, size) => sum + size, 0)
  assert.ok(bytes > 0 && bytes <= 250_000, `${bytes} bytes`)
})

const settings = (page, section) => page.goto(`/sites/${site.id}/settings/${section}`)
const stored = page => mainstay.call(page, 'get', `/api/v1/sites/${site.id}`)
const dialog = (page, name) => page.getByRole('dialog', { name })

test('a refused entry of a list is named under its field', async () => {
  const page = await mainstay.owner()
  await settings(page, 'general')
  await page.getByLabel('Host names').fill('harbour.example\n\nb ad\n*.harbour.example')
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByText('“b ad”: Expected a host name').waitFor()
  await page.getByRole('link', { name: 'Excluded' }).click()
  await dialog(page, 'Leave without saving?').getByRole('button', { name: 'Discard changes' }).click()
  await page.getByLabel('Networks').fill('10.0.0.0/8\nx.y')
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByText('“x.y”: Expected an address').waitFor()
  assert.deepEqual((await stored(page)).excluded.networks, [])
  await closeContext(page.context())
})

test('any country can be excluded', async () => {
  const page = await mainstay.owner()
  await settings(page, 'excluded')
  await page.getByLabel('Countries').click()
  for (const country of ['Germany', 'Liechtenstein', 'Singapore']) {
    await page.getByPlaceholder('Search').fill(country)
    await page.getByRole('option', { name: country }).click()
  }
  await page.keyboard.press('Escape')
  await save(page)
  assert.deepEqual((await stored(page)).excluded.countries.sort(), ['DE', 'LI', 'SG'])
  await mainstay.call(page, 'patch', `/api/v1/sites/${site.id}`, { excluded: { countries: [] } })
  await closeContext(page.context())
})

test('who leaves unsaved settings is asked first', async () => {
  const page = await mainstay.owner()
  await settings(page, 'general')
  await page.getByLabel('Name', { exact: true }).fill('Harbour')
  await page.getByRole('link', { name: 'Goals' }).click()
  await dialog(page, 'Leave without saving?').getByRole('button', { name: 'Stay here' }).click()
  assert.equal(await page.getByLabel('Name', { exact: true }).inputValue(), 'Harbour')
  await page.getByRole('link', { name: 'Sites', exact: true }).click()
  await dialog(page, 'Leave without saving?').getByRole('button', { name: 'Stay here' }).click()
  await save(page)
  await page.getByRole('link', { name: 'Goals' }).click()
  await page.waitForURL('**/settings/goals')
  await mainstay.call(page, 'patch', `/api/v1/sites/${site.id}`, { name: site.domain })
  await closeContext(page.context())
})

test('a shorter retention asks by name before it deletes, a longer one does not', async () => {
  const page = await mainstay.owner()
  const asked = dialog(page, 'Delete older visits?')
  await settings(page, 'privacy')
  await page.getByLabel('Keep rows for ever').click()
  await page.getByLabel('Days').fill('400')
  await page.getByRole('button', { name: 'Save' }).click()
  await asked.getByText(/since \w+ \d+, 20\d\d.* are kept/).waitFor()
  assert.equal(await asked.getByRole('button', { name: 'Delete and save' }).isDisabled(), true)
  await asked.getByRole('button', { name: 'Keep them' }).click()
  assert.equal((await stored(page)).retention_days, null)
  await page.getByRole('button', { name: 'Save' }).click()
  await asked.getByLabel(`Type ${site.domain}`).fill(site.domain)
  await save(page, asked.getByRole('button', { name: 'Delete and save' }))
  assert.equal((await stored(page)).retention_days, 400)
  await page.getByLabel('Keep rows for ever').click()
  await page.getByRole('button', { name: 'Save' }).click()
  await until('it is for ever again', async () => (await stored(page)).retention_days === null)
  await closeContext(page.context())
})

test('a note stays on its day, wherever the site and its reader are', async () => {
  for (const [zone, timezoneId] of [['Pacific/Auckland', 'Europe/Berlin'], ['America/New_York', 'Pacific/Auckland']]) {
    const page = await mainstay.owner({ timezoneId })
    const other = await mainstay.call(page, 'post', '/api/v1/sites', { domain: `${zone.split('/')[1].toLowerCase().replace('_', '')}.example`, timezone: zone })
    await page.goto(`/sites/${other.id}/settings/annotations`)
    await page.getByLabel('Day').fill('2025-11-20')
    await page.getByLabel('What happened').fill('Version 2')
    await page.getByRole('button', { name: 'Add', exact: true }).click()
    await page.getByText('Nov 20, 2025', { exact: true }).waitFor()
    const [{ at }] = (await mainstay.call(page, 'get', `/api/v1/sites/${other.id}/annotations`)).items
    assert.equal(new Intl.DateTimeFormat('sv-SE', { dateStyle: 'short', timeStyle: 'short', timeZone: zone }).format(new Date(at)), '2025-11-20 12:00')
    await mainstay.call(page, 'delete', `/api/v1/sites/${other.id}?confirm=${other.domain}`)
    await closeContext(page.context())
  }
})

test('a page of a site has one clock, that of the site, and says which', async () => {
  const page = await mainstay.owner({ timezoneId: 'Pacific/Auckland' })
  await page.goto(`/sites/${site.id}?period=day`)
  await settled(page)
  assert.match(await page.getByTestId('zone').innerText(), /times in America\/New York/)
  for (const time of await page.locator('time').all()) {
    const there = new Intl.DateTimeFormat('en-US', { hour: 'numeric', minute: '2-digit', second: '2-digit', timeZone: 'America/New_York' }).format(new Date(await time.getAttribute('datetime')))
    assert.equal(await time.innerText(), there)
  }
  const near = await mainstay.owner({ timezoneId: 'America/Toronto' })
  await near.goto(`/sites/${site.id}?period=day`)
  await settled(near)
  assert.equal(await near.getByTestId('zone').count(), 0)
  for (const each of [page, near]) await closeContext(each.context())
})

test('the ledger beside the reports says what it is of', async () => {
  const page = await mainstay.owner()
  const noisy = await mainstay.call(page, 'post', '/api/v1/sites', { domain: 'noisy.example', timezone: kNoonZone })
  await mainstay.hit(noisy, 0)
  await visitInVain(noisy)
  await until('the ledger has all of it', async () => {
    const { bots, refused } = await mainstay.call(page, 'get', `/api/v1/sites/${noisy.id}/ledger`)
    return bots.length === kBots.length && refused.length === 1
  })
  const strip = page.getByTestId('card-ledger')
  await page.goto(`/sites/${noisy.id}?period=realtime`)
  await strip.getByText('1 more kind of bots').waitFor()
  assert.match(await page.getByTestId('ledger-span').innerText(), /The whole of today/)
  await strip.getByText('Hits are counted on the day they are of, refusals on the day they came in.').waitFor()
  assert.equal(await page.getByTestId('ledger-unfiltered').count(), 0)
  await page.goto(`/sites/${noisy.id}?period=30d&f=is,event:page,/none`)
  await page.getByTestId('ledger-unfiltered').waitFor()
  assert.match(await page.getByTestId('ledger-span').innerText(), /Last 30 days/)
  await page.getByRole('link', { name: '1 more kind of bots' }).click()
  await page.waitForURL(`**/sites/${noisy.id}/ledger?from=*`)
  await mainstay.call(page, 'delete', `/api/v1/sites/${noisy.id}?confirm=${noisy.domain}`)
  await closeContext(page.context())
})

test('an unknown site says so and leads to those there are', async () => {
  const page = await mainstay.owner()
  for (const path of ['/sites/123', '/sites/123/ledger', '/sites/123/install', '/sites/123/settings']) {
    await page.goto(path)
    await page.getByRole('heading', { name: 'There is no such site' }).waitFor()
    assert.equal(await page.getByRole('button', { name: 'Try again' }).count(), 0, path)
  }
  await page.getByRole('link', { name: 'To the sites' }).click()
  await page.waitForURL('**/sites')
  const tile = page.getByRole('article').filter({ hasText: site.domain })
  await tile.getByText('new, from none on the 7 days before').waitFor({ state: 'attached' })
  assert.doesNotMatch(await tile.innerText(), /%/)
  await closeContext(page.context())
})

test('what the server says is shown without its pointers', async () => {
  const page = await mainstay.owner()
  await page.goto(`/sites/${site.id}?f=matches,event:page,(`)
  await page.getByText('Is not a regular expression').first().waitFor()
  assert.doesNotMatch(await page.locator('main').innerText(), /\/filters/)
  await closeContext(page.context())
})

test('a shared link can be embedded, without the bar of its own', async () => {
  const page = await mainstay.owner()
  await settings(page, 'shares')
  await page.locator('summary', { hasText: 'Embed' }).click()
  const code = await page.getByRole('group', { name: 'embed code Public' }).innerText()
  const address = /^<iframe src="([^"]+)"/.exec(code)[1]
  assert.equal(address, `${mainstay.base}/share/${share.token}?embed=1`)
  const guest = await mainstay.page()
  await guest.goto(address)
  await settled(guest)
  assert.equal(await guest.getByRole('button', { name: 'Colour scheme' }).count(), 0)
  await guest.getByTestId('tile-visitors').waitFor()
  await guest.getByTestId('period').click()
  await guest.getByRole('menuitemcheckbox', { name: 'Today' }).click()
  await guest.waitForURL(/period=day.*embed=1/)
  for (const each of [page, guest]) await closeContext(each.context())
})

test('in a frame nothing is done in the name of who is signed in', async () => {
  const page = await mainstay.owner()
  await page.goto(`${mainstay.base}/sites`)
  const asked = []
  page.on('request', request => { if (request.frame() !== page.mainFrame() && request.method() === 'POST') asked.push(request) })
  await page.evaluate((address) => {
    const frame = document.createElement('iframe')
    frame.src = address
    document.body.append(frame)
  }, `/share/${share.token}?embed=1`)
  await page.frameLocator('iframe').getByTestId('tile-visitors').waitFor()
  assert.ok(asked.length > 0)
  for (const request of asked) assert.equal((await request.allHeaders()).cookie, undefined, request.url())
  await closeContext(page.context())
})

test('a lost stream is said in words until it is back', async () => {
  const page = await mainstay.owner()
  await page.addInitScript(() => {
    window.streams = []
    window.EventSource = class extends EventSource {
      constructor(address) {
        super(window.lost ? '/no/such/stream' : address)
        window.streams.push(this)
      }
    }
  })
  await page.goto(`/sites/${site.id}`)
  const current = page.getByTestId('current-visitors')
  await until('the stream has begun', async () => /\d/.test(await current.innerText()))
  await page.evaluate(() => {
    window.lost = true
    for (const stream of window.streams) {
      stream.close()
      stream.onerror(new Event('error'))
    }
  })
  await current.getByText('reconnecting…').waitFor()
  await page.evaluate(() => { window.lost = false })
  await current.getByText('reconnecting…').waitFor({ state: 'detached' })
  await closeContext(page.context())
})

test('nothing was asked of another host, and no page complained', () => {
  mainstay.assertNoOtherHost()
  mainstay.assertNoComplaint()
})
