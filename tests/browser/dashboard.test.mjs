import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { card, closeContext, Harness, kDomain, kNoonZone, kVisitors, save, scriptsOf, send, settled, until, value } from './harness.mjs'

/// What a phone has to load before it can show a number.
const kFirstScriptBytes = 250_000
let mainstay, page, site

before(async () => {
  mainstay = await Harness.start()
  page = await mainstay.owner()
  site = await mainstay.visitedSite(page)
  await mainstay.call(page, 'post', `/api/v1/sites/${site.id}/goals`, { kind: 'event', event_name: 'Signup', display_name: 'Signup' })
  for (let visitor = 0; visitor < kVisitors; visitor += 4) await mainstay.hit(site, visitor, { name: 'Signup', url: `https://${kDomain}/pricing`, props: { plan: 'team' } })
})
after(() => mainstay?.stop())

test('the dashboard shows what came in', async () => {
  await page.goto(`/sites/${site.id}?period=day`)
  await until('all visits are counted', async () => await value(page, 'visitors') === String(kVisitors) && await value(page, 'pageviews') === String(2 * kVisitors))
  await card(page, 'pages').getByRole('button', { name: 'Filter by /pricing' }).waitFor()
  await page.getByTestId('chart').waitFor()
  assert.match(await page.getByTestId('chart').getAttribute('aria-label'), /Unique visitors by hour/)
  assert.match(await card(page, 'pages').innerText(), /all rows, not sampled/)
})

test('the numbers come before what is heavy: 250 kB of script at most', async () => {
  const fresh = await mainstay.owner()
  const loaded = scriptsOf(fresh, async response => [response.url(), gzipSync(await response.body()).length])
  await fresh.addInitScript(() => {
    new MutationObserver((_, observer) => {
      if (!document.querySelector('[data-testid="tile-visitors"] [data-value]')) return
      window.numbersAt = performance.now()
      observer.disconnect()
    }).observe(document, { childList: true, subtree: true })
  })
  await fresh.goto(`/sites/${site.id}?period=day`)
  await fresh.waitForFunction(() => window.numbersAt)
  await fresh.getByTestId('chart').waitFor()
  const scripts = await fresh.evaluate(() => performance.getEntriesByType('resource').filter(entry => new URL(entry.name).pathname.endsWith('.js')).map(entry => ({ url: entry.name, early: entry.startTime < window.numbersAt })))
  const sizes = new Map(await loaded())
  const bytes = scripts.filter(each => each.early).reduce((sum, script) => sum + sizes.get(script.url), 0)
  assert.ok(bytes > 50 * 1024, `only ${bytes} bytes of script were seen`)
  assert.ok(bytes <= kFirstScriptBytes, `${bytes} bytes of script, compressed, before the first number`)
  assert.ok(scripts.some(script => !script.early && /LineChart/.test(script.url)), 'the chart did not wait for the numbers')
  await closeContext(fresh.context())
})

test('a click on a row filters, the address keeps it, Escape clears it', async () => {
  await page.goto(`/sites/${site.id}?period=day`)
  await card(page, 'sources').getByRole('button', { name: 'Sources', exact: true }).click()
  await card(page, 'sources').getByRole('button', { name: 'Filter by Google' }).click()
  await page.getByTestId('filter-pill').waitFor()
  await until('only those from Google are counted', async () => await value(page, 'visitors') === String(kVisitors / 3))
  assert.match(decodeURIComponent(page.url()), /f=is,visit:source,Google/)
  await page.reload()
  await until('the link reproduces the view', async () => await value(page, 'visitors') === String(kVisitors / 3))
  await page.keyboard.press('Escape')
  await until('the filter is gone', async () => await value(page, 'visitors') === String(kVisitors))
  assert.equal(await page.getByTestId('filter-pill').count(), 0)
})

test('the editor makes a filter from the keyboard', async () => {
  await page.goto(`/sites/${site.id}?period=day`)
  await settled(page)
  await page.keyboard.press('/')
  const dialog = page.getByRole('dialog', { name: 'Filter' })
  await dialog.waitFor()
  await dialog.getByPlaceholder('Type or choose').fill('/blog/post-3')
  await dialog.getByRole('button', { name: 'Apply filter' }).click()
  await until('one visitor read that post', async () => await value(page, 'visitors') === '1')
  assert.match(await page.getByTestId('filter-pill').innerText(), /Page\s+is\s+\/blog\/post-3/)
})

test('a goal turns the numbers into conversions', async () => {
  await page.goto(`/sites/${site.id}?period=day`)
  await card(page, 'behaviour').getByRole('button', { name: 'Filter by Signup' }).click()
  await page.getByTestId('tile-conversion_rate').waitFor()
  await until('three of twelve signed up', async () => await value(page, 'visitors') === '3' && await value(page, 'conversion_rate') === '25%')
})

test('a property is chosen from those that events have', async () => {
  await page.goto(`/sites/${site.id}?period=day`)
  await card(page, 'behaviour').getByRole('button', { name: 'Properties' }).click()
  const properties = card(page, 'behaviour').getByRole('group', { name: 'Property' })
  await properties.getByRole('button', { name: 'plan' }).waitFor()
  assert.equal(await properties.getByRole('button', { name: 'plan' }).getAttribute('aria-pressed'), 'true')
  await card(page, 'behaviour').getByRole('button', { name: 'Filter by team' }).waitFor()
  assert.equal(await card(page, 'behaviour').getByRole('button', { name: 'Filter by (not set)' }).count(), 0)
  await card(page, 'behaviour').getByRole('button', { name: 'Filter by team' }).click()
  await page.waitForURL(/f=is,event:props:plan,team/)
  await until('three signed up for the team', async () => await value(page, 'visitors') === '3')
})

test('the editor suggests properties and their values', async () => {
  await page.goto(`/sites/${site.id}?period=day`)
  await settled(page)
  await page.keyboard.press('/')
  const dialog = page.getByRole('dialog', { name: 'Filter' })
  await dialog.getByLabel('What').click()
  await page.getByPlaceholder('Search', { exact: true }).fill('plan')
  await page.getByRole('option', { name: 'plan' }).click()
  await dialog.getByRole('checkbox', { name: /team/ }).check()
  await dialog.getByRole('button', { name: 'Apply filter' }).click()
  await page.waitForURL(/f=is,event:props:plan,team/)
})

test('a comparison adds the other period', async () => {
  await page.goto(`/sites/${site.id}?period=day`)
  await settled(page)
  await page.keyboard.press('x')
  await page.waitForURL(/compare=previous_period/)
  await until('what was not there before is new', async () => /new/.test(await page.getByTestId('tile-visitors').innerText()))
  await page.getByTestId('compare').click()
  await page.getByRole('menuitemcheckbox', { name: 'A year before' }).click()
  await page.waitForURL(/compare=year_over_year/)
})

test('details are searched, sorted and taken away', async () => {
  await page.goto(`/sites/${site.id}?period=day`)
  await card(page, 'pages').getByRole('link', { name: /of Top pages/ }).click()
  const dialog = page.getByRole('dialog', { name: 'Top pages' })
  await until('all pages are listed', async () => await dialog.getByTestId('details-row').count() === kVisitors + 1)
  await dialog.getByLabel('Search Top pages').fill('post-1')
  await until('three contain it', async () => await dialog.getByTestId('details-row').count() === 3)
  await dialog.getByRole('button', { name: 'Pageviews' }).click()
  await until('the order is said', async () => await dialog.locator('th[aria-sort="descending"]').innerText() === 'Pageviews')
  const href = await dialog.getByRole('link', { name: 'Export CSV' }).getAttribute('href')
  const csv = await page.request.get(href)
  assert.equal(csv.status(), 200)
  assert.match(await csv.text(), /post-11/)
  await page.keyboard.press('Escape')
  await dialog.waitFor({ state: 'detached' })
})

test('details of goals and countries are searched by the names shown', async () => {
  await page.goto(`/sites/${site.id}?period=day&details=goals`)
  const dialog = page.getByRole('dialog', { name: 'Goals' })
  await until('the goal is listed', async () => await dialog.getByTestId('details-row').count() === 1)
  await dialog.getByLabel('Search Goals').fill('nothing of the kind')
  await until('no goal is called so', async () => await dialog.getByTestId('details-row').count() === 0)
  await dialog.getByLabel('Search Goals').fill('sign')
  await until('the goal is found', async () => await dialog.getByTestId('details-row').count() === 1)
  await dialog.getByText('1 row', { exact: true }).waitFor()
})

test('the chart can be read as a table and taken away', async () => {
  await page.goto(`/sites/${site.id}?period=day`)
  await settled(page)
  await page.getByRole('button', { name: 'Chart options' }).click()
  await page.getByRole('menuitem', { name: 'Show as table' }).click()
  await until('every hour of the day has a row', async () => await page.getByRole('row').count() >= 24)
  assert.equal(await page.getByRole('rowheader').getByRole('link').count(), 0)
  await page.getByRole('button', { name: 'Chart options' }).click()
  const download = page.waitForEvent('download')
  await page.getByRole('menuitem', { name: 'Export as CSV' }).click()
  assert.match((await download).suggestedFilename(), /\.csv$/)
})

test('a note marks the chart until it is removed', async () => {
  await page.goto(`/sites/${site.id}`)
  await settled(page)
  await page.getByRole('button', { name: 'Chart options' }).click()
  await page.getByRole('menuitem', { name: 'Annotations' }).click()
  await page.getByLabel('What happened').fill('Version 2')
  await page.getByRole('button', { name: 'Add', exact: true }).click()
  await page.getByRole('button', { name: 'Annotation: Version 2', includeHidden: true }).waitFor({ state: 'attached' })
  assert.match(await page.getByTestId('chart').getAttribute('aria-valuetext'), /; Version 2$/)
  await page.getByRole('dialog', { name: 'Annotations' }).getByRole('button', { name: 'Remove' }).click()
  await page.getByText('Remove “Version 2”?').locator('..').getByRole('button', { name: 'Remove' }).click()
  await until('the mark is gone', async () => await page.getByRole('button', { name: 'Annotation: Version 2', includeHidden: true }).count() === 0)
})

test('numbers move as visits happen, without a reload', async () => {
  const busy = await mainstay.call(page, 'post', '/api/v1/sites', { domain: 'live.example', timezone: kNoonZone })
  const current = async () => Number.parseInt(await page.getByTestId('current-visitors').innerText(), 10)
  await mainstay.hit(busy, 100)
  await page.goto(`/sites/${busy.id}?period=day`)
  await until('the stream has begun', async () => await current() === 1)
  await until('the first visit is counted', async () => await value(page, 'visitors') === '1')
  await page.evaluate(() => { window.sameDocument = true })
  for (let visitor = 101; visitor < 106; visitor++) await mainstay.hit(busy, visitor, { url: `https://${busy.domain}/live` })
  await until('the counter moved', async () => await current() === 6)
  await until('the total moved', async () => await value(page, 'visitors') === '6')
  await until('the list moved', async () => await card(page, 'pages').getByRole('button', { name: 'Filter by /live' }).count() === 1)
  assert.equal(await page.evaluate(() => window.sameDocument), true)
  await page.goto('about:blank')
  await mainstay.call(page, 'delete', `/api/v1/sites/${busy.id}?confirm=${busy.domain}`)
})

test('realtime shows the last half hour by the minute', async () => {
  await page.goto(`/sites/${site.id}`)
  await page.getByTestId('current-visitors').click()
  await page.waitForURL(/period=realtime/)
  await page.getByTestId('tile-visitors').getByText('last 30 minutes').waitFor()
  await until('the chart is by minute', async () => /by minute/.test(await page.getByTestId('chart').getAttribute('aria-label')))
})

test('a shared link shows the same and changes nothing', async () => {
  await page.goto(`/sites/${site.id}/settings/shares`)
  await page.getByLabel('Name').fill('For the board')
  await page.getByLabel('Password').fill('board room')
  await page.getByRole('button', { name: 'Create link' }).click()
  const address = await page.getByText(`${mainstay.base}/share/`).first().innerText()

  const guest = await mainstay.page()
  await guest.goto(`${address.trim()}?period=day`)
  await guest.getByLabel('Password').fill('bored room')
  await guest.getByRole('button', { name: 'Show dashboard' }).click()
  await until('the wrong password is refused', async () => (await guest.locator('[id$="-error"]').count()) > 0)
  await guest.getByLabel('Password').fill('board room')
  await guest.getByRole('button', { name: 'Show dashboard' }).click()
  await until('the numbers are the same', async () => await value(guest, 'visitors') === String(kVisitors))
  await settled(guest)
  assert.deepEqual(await guest.locator('[role="alert"]').allInnerTexts(), [])
  await until('it is live too', async () => /\d/.test(await guest.getByTestId('current-visitors').innerText()))
  assert.equal(await guest.getByRole('link', { name: 'Site settings' }).count(), 0)
  assert.equal((await guest.request.get('/api/v1/sites')).status(), 401)

  await page.getByRole('button', { name: 'Delete', exact: true }).click()
  await page.getByText('Delete “For the board”?').locator('..').getByRole('button', { name: 'Delete' }).click()
  await guest.getByText('its owner withdrew it').waitFor()
})

test('signing out ends what other windows show', async () => {
  const first = await mainstay.owner()
  const second = await first.context().newPage()
  await second.goto(`/sites/${site.id}?period=day`)
  await until('the stream has begun', async () => /\d/.test(await second.getByTestId('current-visitors').innerText()))
  await mainstay.call(first, 'delete', '/api/v1/session')
  await second.waitForURL(/\/sign-in\?next=/)
})

test('pinned sites come first, in the order of their owner', async () => {
  for (const domain of ['able.example', 'baker.example']) await mainstay.call(page, 'post', '/api/v1/sites', { domain, timezone: 'UTC' })
  await page.goto('/sites')
  const names = async () => (await page.locator('main article h2').allInnerTexts()).join(' ')
  await until('all are listed', async () => await names() === `able.example baker.example ${kDomain}`)
  await page.getByRole('button', { name: `Pin ${kDomain}` }).click()
  await until('the pinned one is first', async () => await names() === `${kDomain} able.example baker.example`)
  await until('the server knows', async () => (await mainstay.call(page, 'get', '/api/v1/sites')).items[0].domain === kDomain)
  const turns = []
  let answer
  const late = new Promise(resolve => { answer = resolve })
  await page.route('**/api/v1/pinned-sites', async (route) => {
    turns.push('asked')
    await late
    const response = await route.fetch()
    turns.push('answered')
    await route.fulfill({ response })
  })
  await page.getByRole('button', { name: 'Pin baker.example' }).click()
  await page.getByRole('button', { name: 'Move baker.example forward' }).click()
  await until('the order is the one asked for', async () => await names() === `baker.example ${kDomain} able.example`)
  answer()
  await until('both were asked for, one after the other', () => turns.join() === 'asked,answered,asked,answered')
  await page.unroute('**/api/v1/pinned-sites')
  await until('the server has it', async () => (await mainstay.call(page, 'get', '/api/v1/sites')).items[0].domain === 'baker.example')
  await page.reload()
  await until('it stays so', async () => await names() === `baker.example ${kDomain} able.example`)
  await page.getByRole('button', { name: 'Unpin baker.example' }).click()
  await page.getByRole('button', { name: `Unpin ${kDomain}` }).click()
  await until('nothing is pinned', async () => await names() === `able.example baker.example ${kDomain}`)
})

test('a mistyped snippet is found in what was refused without a site', async () => {
  const wrong = await send(mainstay.base, 'POST', '/api/v1/beacon', { body: { site: '12345', url: `https://${kDomain}/` }, headers: { Origin: `https://${kDomain}` } })
  assert.equal(wrong.status, 404)
  await page.goto('/sites')
  await page.getByRole('link', { name: 'what was refused without a site' }).click()
  await page.waitForURL('**/ledger**')
  await until('it is listed', async () => {
    await page.reload()
    await settled(page)
    return /Unknown site[\s\S]*12345[\s\S]*harbour\.example/.test(await page.getByTestId('stray-ledger').innerText())
  })
  await page.getByRole('link', { name: `${kDomain}’s snippet` }).click()
  await page.waitForURL(`**/sites/${site.id}/install`)
})

test('the ledger names a bot that came by', async () => {
  await send(mainstay.base, 'POST', '/api/v1/beacon', {
    body: { site: site.id, name: 'pageview', url: `https://${kDomain}/` },
    headers: { 'Origin': `https://${kDomain}`, 'User-Agent': 'Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot)', 'X-Forwarded-For': '203.0.113.9' },
  })
  await page.goto(`/sites/${site.id}/ledger`)
  await until('GPTBot is an AI crawler', async () => {
    await page.reload()
    await settled(page)
    return /AI crawlers[\s\S]*GPTBot/.test(await page.locator('main').innerText())
  })
})

test('settings are saved, and a site is deleted by its name only', async () => {
  const other = await mainstay.call(page, 'post', '/api/v1/sites', { domain: 'other.example', timezone: 'UTC' })
  await page.goto(`/sites/${other.id}/settings/excluded`)
  await page.getByLabel('Paths').fill('/admin/**\n/preview/*')
  await save(page)
  assert.deepEqual((await mainstay.call(page, 'get', `/api/v1/sites/${other.id}`)).excluded.paths, ['/admin/**', '/preview/*'])
  await page.goto(`/sites/${other.id}/settings/delete`)
  const button = page.getByRole('button', { name: 'Delete this site' })
  await page.getByLabel('Type other.example').fill('harbour.example')
  assert.equal(await button.isDisabled(), true)
  await page.getByLabel('Type other.example').fill('other.example')
  await button.click()
  await page.waitForURL('**/sites')
  assert.equal((await page.request.get(`/api/v1/sites/${other.id}`)).status(), 404)
})

test('nothing was asked of another host, and no page complained', () => {
  mainstay.assertNoOtherHost()
  mainstay.assertNoComplaint()
})
