import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Harness, kNoonZone, kOwner, send, until } from './harness.mjs'

let mainstay
before(async () => { mainstay = await Harness.start() })
after(() => mainstay?.stop())

const step = page => page.getByRole('list', { name: 'Steps' }).locator('[aria-current="step"]').innerText()

test('from the first start to the first hit', async () => {
  const page = await mainstay.page()
  await page.goto('/')
  await page.waitForURL('**/setup')
  assert.match(await step(page), /1 Account/)
  await page.getByLabel('Your name').fill(kOwner.name)
  await page.getByLabel('E-mail').fill(kOwner.email)
  await page.getByLabel('Password', { exact: true }).fill('short')
  await page.getByText('more to go').waitFor()
  await page.getByLabel('Password', { exact: true }).fill(kOwner.password)
  await page.getByRole('button', { name: 'Create account' }).click()

  await page.waitForURL('**/sites/new')
  assert.equal((await page.getByLabel('Time zone of the reports').innerText()).trim(), kNoonZone)
  await until('the second step is marked', async () => /2 Site/.test(await step(page)))
  await page.getByLabel('Domain').fill('https://Harbour.example/path')
  await page.getByRole('button', { name: 'Add site' }).click()

  await page.waitForURL('**/sites/*/install')
  const id = page.url().split('/').at(-2)
  await page.getByText(`data-site="${id}"`).first().waitFor()
  const state = page.getByTestId('first-hit')
  assert.equal(await state.getAttribute('data-state'), 'waiting')
  await page.getByText('turns green by itself').waitFor()
  assert.match(await step(page), /3 First hit/)

  const refused = await send(mainstay.base, 'POST', '/api/v1/beacon', { body: { site: id, name: 'pageview', url: 'https://staging.example/' }, headers: { Origin: 'https://staging.example' } })
  assert.equal(refused.status, 403)
  const note = page.getByTestId('refused-note')
  await note.getByText('1 hit was refused: foreign origin staging.example.').waitFor()
  assert.equal(await note.getByRole('link', { name: 'Allow this host in settings' }).getAttribute('href'), `/sites/${id}/settings/general?host=staging.example`)
  const dashboard = await page.context().newPage()
  await dashboard.goto(`/sites/${id}`)
  await dashboard.getByTestId('refused-note').getByText('1 hit was refused: foreign origin staging.example.').waitFor()
  await dashboard.close()

  await mainstay.hit({ id, domain: 'harbour.example' }, 1)
  await until('the first hit is seen without a reload', async () => await state.getAttribute('data-state') === 'arrived')
  assert.equal(await note.count(), 0)
  await page.getByRole('link', { name: 'Open dashboard' }).click()
  await page.waitForURL(/\/sites\/\w+\?period=day/)
  await until('one visitor is there now', async () => /^1\s/.test((await page.getByTestId('current-visitors').innerText()).trim()))
  await until('the totals know', async () => (await page.getByTestId('tile-visitors').locator('[data-value]').innerText()) === '1')
})

test('a second owner cannot be made', async () => {
  const page = await mainstay.page()
  await page.goto('/setup')
  await page.waitForURL(/\/sign-in/)
  const answer = await page.request.post('/api/v1/setup', { data: kOwner, headers: { 'X-Mainstay-Request': '1', 'Origin': mainstay.base, 'Sec-Fetch-Site': 'same-origin' } })
  assert.equal(answer.status(), 409)
})

test('signing out closes the door, signing in leads back to the page asked for', async () => {
  const page = await mainstay.owner()
  await page.goto('/account')
  await page.getByRole('button', { name: 'Sign out' }).click()
  await page.waitForURL('**/sign-in')
  await page.goto('/analytics/classify')
  await page.waitForURL(/\/sign-in\?next=/)
  await page.getByLabel('E-mail').fill(kOwner.email)
  await page.getByLabel('Password', { exact: true }).fill('not the password')
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('alert').waitFor()
  await page.getByLabel('Password', { exact: true }).fill(kOwner.password)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.waitForURL('**/analytics/classify')
})

test('nothing was asked of another host, and no page complained', () => {
  mainstay.assertNoOtherHost()
  mainstay.assertNoComplaint()
})
