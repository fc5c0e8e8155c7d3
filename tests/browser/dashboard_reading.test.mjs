// What a person reads off a dashboard and does with it: filters, periods, the chart, the details of a list.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { card, closeContext, Harness, kVisitors, settled, until, value } from './harness.mjs'

let mainstay, page, site

before(async () => {
  mainstay = await Harness.start()
  page = await mainstay.owner()
  site = await mainstay.visitedSite(page)
})
after(() => mainstay?.stop())

test('a pattern that is none is refused at its field', async () => {
  await page.goto(`/sites/${site.id}?period=day&f=matches,event:page,pricing`)
  await until('the filter holds', async () => await value(page, 'visitors') === String(kVisitors))
  await page.getByRole('button', { name: /Edit filter/ }).click()
  const dialog = page.getByRole('dialog', { name: 'Edit filter' })
  for (const [pattern, complaint] of [['(((', /Not a regular expression/], ['a(?!b)', /ahead or behind/], ['\\pX', /./]]) {
    await dialog.getByPlaceholder('Type or choose').fill(pattern)
    await dialog.getByRole('button', { name: 'Save' }).click()
    await until('it is told', async () => complaint.test(await dialog.locator('[id$="-error"]').innerText().catch(() => '')))
    await dialog.getByRole('list', { name: 'Chosen values' }).getByRole('button', { name: pattern }).click()
  }
  await page.keyboard.press('Escape')
  await dialog.waitFor({ state: 'detached' })
  assert.match(decodeURIComponent(page.url()), /f=matches,event:page,pricing$/)
  await settled(page)
  assert.equal(await page.locator('[role="alert"]').count(), 0)
})

test('numbers of other filters are not to be read while new ones are under way', async () => {
  await page.goto(`/sites/${site.id}?period=day`)
  await settled(page)
  let go
  const held = new Promise(resolve => { go = resolve })
  await page.route('**/api/v2/query', async (route) => { await held; await route.continue() })
  await card(page, 'sources').getByRole('button', { name: 'Sources', exact: true }).click()
  go()
  await card(page, 'sources').getByRole('button', { name: 'Filter by Google' }).waitFor()
  await page.unroute('**/api/v2/query')
  let answer
  const late = new Promise(resolve => { answer = resolve })
  await page.route('**/api/v2/query', async (route) => { await late; await route.continue() })
  await card(page, 'sources').getByRole('button', { name: 'Filter by Google' }).click()
  const blurred = on => on.evaluate(node => { for (let each = node; each; each = each.parentElement) if (/blur/.test(getComputedStyle(each).filter)) return true; return false })
  await until('the old headline is blurred', () => blurred(page.getByTestId('tile-visitors').locator('[data-value]')))
  assert.equal(await blurred(card(page, 'pages').getByRole('button', { name: 'Filter by /pricing', includeHidden: true })), true)
  answer()
  await until('the new one is clear', async () => await value(page, 'visitors') === String(kVisitors / 3) && !await blurred(page.getByTestId('tile-visitors').locator('[data-value]')))
  await page.unroute('**/api/v2/query')
})

test('a page has the usual numbers and how long it was read', async () => {
  await page.goto(`/sites/${site.id}?period=day&f=is,event:page,/pricing`)
  for (const name of ['views_per_visit', 'visit_duration', 'time_on_page', 'scroll_depth']) await page.getByTestId(`tile-${name}`).locator('[data-value]').waitFor()
})

test('where nothing can be compared, X does nothing', async () => {
  for (const period of ['all', 'realtime']) {
    await page.goto(`/sites/${site.id}?period=${period}`)
    await settled(page)
    await page.keyboard.press('x')
    await page.keyboard.press('?')
    await page.getByRole('dialog', { name: 'Keyboard shortcuts' }).waitFor()
    assert.doesNotMatch(page.url(), /compare/)
  }
})

test('a bucket is opened by keys and by the mouse', async () => {
  await page.goto(`/sites/${site.id}?period=7d`)
  await settled(page)
  const chart = page.getByTestId('chart')
  await chart.focus()
  await page.keyboard.press('ArrowLeft')
  await until('the latest day is told', async () => /: 12$/.test(await chart.getAttribute('aria-valuetext')))
  await page.getByText('Enter opens it').waitFor()
  await page.keyboard.press('Enter')
  await page.waitForURL(/period=day/)
  await until('what was told is put away', async () => await page.getByText('Enter opens it').filter({ visible: true }).count() === 0)

  await page.goBack()
  await page.waitForURL(/period=7d/)
  await settled(page)
  const wide = await chart.boundingBox()
  await page.mouse.move(wide.x + wide.width / 2, wide.y + 60)
  await page.mouse.down()
  await page.mouse.move(wide.x + wide.width - 20, wide.y + 60)
  await page.mouse.up()
  await page.evaluate(() => new Promise(requestAnimationFrame))
  assert.match(page.url(), /period=7d/, 'a mouse that is dragged opens nothing')
  const told = page.getByText('(so far)').filter({ visible: true })
  await told.waitFor()
  await page.mouse.down()
  await page.mouse.up()
  await page.waitForURL(/period=day/)
  await until('what the mouse was told is put away', async () => await told.count() === 0)
  await page.mouse.move(0, 0)
})

for (const [finger, heldMs] of [['quick', 0], ['slow', 400]]) {
  test(`a first touch of a ${finger} finger only shows a bucket, the second opens it`, async () => {
    const phone = await mainstay.owner({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true })
    await phone.addInitScript((heldMs) => {
      const Clock = Date
      let late = 0
      window.Date = class extends Clock { constructor(...parts) { super(...parts.length ? parts : [Clock.now() + late]) } }
      addEventListener('touchend', () => { late += heldMs }, true)
    }, heldMs)
    await phone.goto(`/sites/${site.id}?period=7d`)
    await settled(phone)
    await phone.getByTestId('chart').scrollIntoViewIfNeeded()
    const frame = await phone.getByTestId('chart').boundingBox()
    const tap = () => phone.touchscreen.tap(frame.x + frame.width - 12, frame.y + frame.height / 2)
    await tap()
    await phone.getByText('Tap again to open it').waitFor()
    assert.match(phone.url(), /period=7d/)
    await tap()
    await phone.waitForURL(/period=day/)
    await until('the values are put away', async () => await phone.getByText('Tap again to open it').filter({ visible: true }).count() === 0)
    await closeContext(phone.context())
  })
}

test('a range is typed, and refused where it makes no sense', async () => {
  await page.goto(`/sites/${site.id}?period=day`)
  await settled(page)
  await page.keyboard.press('c')
  const dialog = page.getByRole('dialog', { name: 'Custom range' })
  await until('the keyboard is on the calendar', () => page.evaluate(() => document.activeElement?.hasAttribute('data-reka-calendar-cell-trigger')))
  await dialog.getByLabel('Last day').fill('2999-01-01')
  await dialog.getByText('That day is still to come.').waitFor()
  assert.equal(await dialog.getByRole('button', { name: 'Show' }).isDisabled(), true)
  await dialog.getByLabel('First day').fill('2026-01-05')
  await dialog.getByLabel('Last day').fill('2026-02-08')
  await page.keyboard.press('Enter')
  await page.waitForURL(/period=custom&from=2026-01-05&to=2026-02-08/)
  await page.getByText('No places known for this period').waitFor()
})

test('a search does not change what a share is of, and the address keeps it', async () => {
  await page.goto(`/sites/${site.id}?period=day&details=top`)
  const dialog = page.getByRole('dialog', { name: 'Top pages' })
  const share = name => dialog.getByTestId('details-row').filter({ has: page.getByRole('button', { name: `Filter by ${name}`, exact: true }) }).locator('td').nth(1).innerText()
  const before = await share('/blog/post-1')
  assert.equal(before, '8.3%')
  await dialog.getByLabel('Search Top pages').fill('post-1')
  await until('three contain it', async () => await dialog.getByTestId('details-row').count() === 3)
  await until('the share is of all visitors still', async () => await share('/blog/post-1') === before)
  const csv = await (await page.request.get(await dialog.getByRole('link', { name: 'Export CSV' }).getAttribute('href'))).text()
  assert.doesNotMatch(csv.split('\n')[0], /percentage/)
  await dialog.getByRole('button', { name: 'Pageviews' }).click()
  await page.waitForURL(/search=post-1&sort=pageviews,desc/)
  await page.reload()
  await until('the link reproduces the search', async () => await dialog.getByTestId('details-row').count() === 3)
  assert.equal(await dialog.getByLabel('Search Top pages').inputValue(), 'post-1')
  assert.equal(await dialog.locator('th[aria-sort="descending"]').innerText(), 'Pageviews')
  await dialog.getByRole('button', { name: 'Filter by /blog/post-10' }).click()
  await dialog.waitFor({ state: 'detached' })
  await page.goBack()
  await until('Back leads to the search', async () => await dialog.getByTestId('details-row').count() === 3)
})

test('what a goal cannot have is a dash, and comes last', async () => {
  await page.route('**/api/v2/query', async (route) => {
    const query = route.request().postDataJSON()
    const at = query.metrics.indexOf('events')
    if (query.dimensions?.[0] !== 'event:goal' || at < 0) return route.continue()
    const row = (name, events) => ({ dimensions: [name], metrics: query.metrics.map((_, i) => i === at ? events : 1) })
    const response = await route.fetch()
    return route.fulfill({ response, json: { ...await response.json(), results: [row('Read a post', null), row('Signup', 0)] } })
  })
  await page.goto(`/sites/${site.id}?period=day`)
  await until('the card has a dash and a nought', async () => {
    const text = await card(page, 'behaviour').innerText()
    return /Read a post\s+1\s+–/.test(text) && /Signup\s+1\s+0/.test(text)
  })
  await page.goto(`/sites/${site.id}?period=day&details=goals&sort=events,asc`)
  const rows = page.getByRole('dialog', { name: 'Goals' }).getByTestId('details-row')
  await until('the unknown is last', async () => (await rows.allInnerTexts()).map(text => text.split(/\s/)[0]).join() === 'Signup,Read')
  await page.unroute('**/api/v2/query')
})

test('the map comes when it is near, with a scale, and tells at the pointer', async () => {
  const place = await mainstay.owner({ viewport: { width: 1280, height: 500 } })
  await place.route('**/api/v2/query', async (route) => {
    if (route.request().postDataJSON().dimensions?.[0] !== 'visit:country') return route.continue()
    const response = await route.fetch()
    return route.fulfill({ response, json: { ...await response.json(), results: [{ dimensions: ['BR'], metrics: [7, 70] }, { dimensions: ['DE'], metrics: [3, 30] }] } })
  })
  const shapes = []
  place.on('request', (made) => { if (/WorldShapes/.test(made.url())) shapes.push(made.url()) })
  await place.goto(`/sites/${site.id}?period=day`)
  await settled(place)
  assert.deepEqual(shapes, [])
  await card(place, 'places').scrollIntoViewIfNeeded()
  await place.locator('[data-country="BR"]').hover()
  await until('the country is told', async () => await place.getByTestId('map-tip').innerText() === 'Brazil: 7 visitors')
  const [tip, country] = [await place.getByTestId('map-tip').boundingBox(), await place.locator('[data-country="BR"]').boundingBox()]
  assert.ok(tip.x < country.x + country.width && tip.x + tip.width > country.x && Math.abs(tip.y - country.y) < 120, 'the tip is beside the pointer')
  assert.match(await place.getByTestId('map-scale').innerText(), /1[\s\S]*7 visitors/)
  await closeContext(place.context())
})

test('nothing was asked of another host, and no page complained', () => {
  mainstay.assertNoOtherHost()
  mainstay.assertNoComplaint()
})
