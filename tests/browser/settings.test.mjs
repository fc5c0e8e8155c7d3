// What an owner changes in a site's settings, and what comes of it.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { closeContext, Harness, kNoonZone, save, send, until } from './harness.mjs'

let mainstay, page, site

before(async () => {
  mainstay = await Harness.start()
  page = await mainstay.owner()
  site = await mainstay.call(page, 'post', '/api/v1/sites', { domain: 'harbour.example', timezone: kNoonZone })
})
after(async () => {
  await closeContext(page.context())
  await mainstay.stop()
})

const log = key => send(mainstay.base, 'POST', `/api/v1/beacon/log?site=${site.id}`, { body: '203.0.113.9 - - [01/Oct/2026:12:00:00 +0000] "GET / HTTP/1.1" 200 5 "-" "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0"', headers: { 'X-Site-Key': key, 'Content-Type': 'text/plain' } })

test('a renewed key is asked for first, shown, and the one before is refused', async () => {
  await page.goto(`/sites/${site.id}/settings/install`)
  await page.getByText(site.key).waitFor()
  await page.getByRole('button', { name: 'Renew' }).click()
  const question = page.getByText('Give the site a new key?')
  await question.waitFor()
  await page.getByRole('button', { name: 'Keep' }).click()
  await question.waitFor({ state: 'hidden' })
  assert.equal((await log(site.key)).status, 200)
  await page.getByRole('button', { name: 'Renew' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Renew' }).click()
  await until('the old key is gone from the page', async () => await page.getByText(site.key).count() === 0)
  const { key } = await mainstay.call(page, 'get', `/api/v1/sites/${site.id}`)
  await page.getByText(key).waitFor()
  assert.deepEqual([(await log(site.key)).status, (await log(key)).status], [403, 200])
})

test('a goal is edited in the form that made it', async () => {
  const stored = async () => (await mainstay.call(page, 'get', `/api/v1/sites/${site.id}/goals`)).items
  await page.goto(`/sites/${site.id}/settings/goals`)
  await page.getByLabel('Name of the event').fill('Singup')
  await page.getByRole('button', { name: 'Add goal' }).click()
  await page.getByText('Event Singup').waitFor()
  const [made] = await stored()

  await page.getByRole('button', { name: 'Edit Singup' }).click()
  assert.equal(await page.getByLabel('Name of the event').inputValue(), 'Singup')
  assert.equal(await page.getByLabel('Name of the event').evaluate(input => input === document.activeElement), true)
  await page.getByRole('button', { name: 'Cancel' }).click()
  assert.equal(await page.getByLabel('Name of the event').inputValue(), '')

  await page.getByRole('button', { name: 'Edit Singup' }).click()
  await page.getByLabel('Name of the event').fill('Signup')
  await page.getByRole('button', { name: 'Save goal' }).click()
  await page.getByText('Event Signup').waitFor()
  assert.deepEqual(await stored(), [{ ...made, event_name: 'Signup', display_name: 'Signup' }])
  await page.getByRole('button', { name: 'Add goal' }).waitFor()

  await page.getByLabel('Name of the event').fill('Signup')
  await page.getByRole('button', { name: 'Add goal' }).click()
  await page.getByText('There is a goal of this name already.').waitFor()

  await page.getByRole('button', { name: 'Edit Signup' }).click()
  const asked = page.getByRole('dialog', { name: 'Leave without saving?' })
  await asked.getByRole('button', { name: 'Discard changes' }).click()
  await page.getByRole('button', { name: 'Save goal' }).waitFor()
  assert.equal(await page.getByText('There is a goal of this name already.').count(), 0)
  await page.getByRole('button', { name: 'Cancel' }).click()
})

test('a host that was refused is named in the ledger and allowed from there', async () => {
  const answer = () => send(mainstay.base, 'POST', '/api/v1/beacon', { body: { site: site.id, name: 'pageview', url: 'https://shop.example/' }, headers: { 'Origin': 'https://shop.example', 'User-Agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0' } })
  assert.equal((await answer()).status, 403)
  await until('the ledger is written', async () => (await mainstay.call(page, 'get', `/api/v1/sites/${site.id}/ledger`)).refused.some(row => row.host === 'shop.example'))
  await page.goto(`/sites/${site.id}/ledger`)
  await page.getByRole('link', { name: 'Allow shop.example' }).click()
  await page.waitForURL('**/settings/general?host=shop.example')
  await until('the host stands in the field', async () => (await page.getByLabel('Host names').inputValue()).split('\n').includes('shop.example'))
  assert.equal((await answer()).status, 403, 'nothing is allowed before it is saved')
  await save(page)
  assert.equal((await answer()).status, 204)
  await page.waitForURL('**/settings/general')
})

test('nothing was asked of another host, and no page complained', () => {
  mainstay.assertNoOtherHost()
  mainstay.assertNoComplaint()
})
