import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Harness, closeContext, send, seriousFindings, settled } from './harness.mjs'

let mainstay, site, share
const kSections = ['general', 'install', 'goals', 'excluded', 'privacy', 'annotations', 'shares', 'delete']

before(async () => {
  mainstay = await Harness.start()
  const page = await mainstay.owner()
  site = await mainstay.call(page, 'post', '/api/v1/sites', { domain: 'harbour.example', timezone: 'America/New_York' })
  share = await mainstay.call(page, 'post', `/api/v1/sites/${site.id}/shares`, { name: 'Public' })
  for (let visitor = 0; visitor < 6; visitor++) await mainstay.hit(site, visitor, { url: `https://harbour.example/a/rather/long/path/that/has/to/be/cut/somewhere/${visitor}`, referrer: 'https://duckduckgo.com/' })
  await mainstay.hit(site, 0, { name: 'Signup', props: { plan: 'team' } })
  await send(mainstay.base, 'POST', '/api/v1/beacon', { body: { site: 'harbuor.example', url: 'https://harbour.example/' }, headers: { Origin: 'https://harbour.example' } })
  await closeContext(page.context())
})
after(() => mainstay?.stop())

const inside = () => [
  '/sites', '/sites/new', '/ledger', `/sites/${site.id}`, `/sites/${site.id}?period=realtime`, `/sites/${site.id}?period=day&compare=previous_period&f=is,event:page,/none&behaviour=vitals&places=countries`, `/sites/${site.id}?period=day&behaviour=properties`,
  `/sites/${site.id}?period=day&details=top`, `/sites/${site.id}/install`, `/sites/${site.id}/ledger`, ...kSections.map(section => `/sites/${site.id}/settings/${section}`),
  '/analytics/classify?user_agent=curl/8.5.0', '/account', '/no/such/page',
]

for (const scheme of ['light', 'dark']) {
  test(`axe-core finds nothing serious, ${scheme}`, async () => {
    const page = await mainstay.owner({ colorScheme: scheme })
    const guest = await mainstay.page({ colorScheme: scheme })
    const findings = []
    for (const [who, path] of [...inside().map(path => [page, path]), [guest, `/share/${share.token}`], [guest, '/sign-in']]) {
      await who.goto(path)
      await settled(who)
      findings.push(...(await seriousFindings(who)).map(found => `${path}: ${found}`))
    }
    assert.deepEqual(findings, [])
    await closeContext(page.context())
    await closeContext(guest.context())
  })
}

for (const width of [360, 2560]) {
  test(`no page is wider than a screen of ${width} px`, async () => {
    const page = await mainstay.owner({ viewport: { width, height: 780 }, isMobile: width < 500, hasTouch: width < 500 })
    const wide = []
    for (const path of [...inside(), `/share/${share.token}`]) {
      await page.goto(path)
      await settled(page)
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
    await page.goto(path)
    await settled(page)
    assert.equal(await page.locator('h1').count(), 1, path)
    assert.match(await page.title(), /Mainstay/, path)
  }
})

test('the script of the first load is at most 250 kB compressed', async () => {
  const page = await mainstay.page()
  let bytes = 0
  page.on('response', async (response) => {
    if (!/\.js$/.test(new URL(response.url()).pathname)) return
    const sizes = await response.request().sizes()
    bytes += sizes.responseBodySize
  })
  await page.goto('/sign-in')
  await settled(page)
  assert.ok(bytes > 0 && bytes <= 250_000, `${bytes} bytes`)
})

test('nothing was asked of another host, and no page complained', () => {
  mainstay.assertNoOtherHost()
  mainstay.assertNoComplaint()
})
