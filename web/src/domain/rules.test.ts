import { describe, expect, it } from 'vitest'
import { accuracyNote } from './accuracy'
import { bareDomain } from './domain'
import { isUnset, rowIcon, rowText } from './labels'
import { botGroups, ledgerTotals } from './ledger'
import { headlineMetrics, rateVital, verdict } from './metrics'
import { passwordHint } from './password'
import { drilled, kDevices, reportByKey } from './reports'
import { keyAction } from './shortcuts'
import { defaultView } from './view'
import { bucketOf } from '../composables/annotations'
import { wallClock } from './dates'
import { admit } from '../router'

const kToday = '2026-11-20'
const goal = [{ op: 'is' as const, dimension: 'event:goal', values: ['Signup'] }]

describe('metrics', () => {
  it('of a goal are conversions, of a page engagement', () => {
    expect(headlineMetrics(goal, false)).toContain('conversion_rate')
    expect(headlineMetrics([{ op: 'is', dimension: 'event:page', values: ['/'] }], false)).toEqual(expect.arrayContaining(['time_on_page', 'scroll_depth']))
  })
  it('know which way is good', () => {
    expect(verdict('visitors', 10)).toBe('good')
    expect(verdict('bounce_rate', 10)).toBe('bad')
    expect(verdict('bounce_rate', -10)).toBe('good')
    expect(verdict('visitors', 0.1)).toBe('even')
  })
  it('of speed are rated as the web does', () => {
    expect(['good', 'fair', 'poor']).toEqual([2500, 2501, 4001].map(value => rateVital('lcp_p75', value)))
    expect(rateVital('lcp_p75', null)).toBeUndefined()
  })
})

describe('keys', () => {
  const act = (key: string, view = defaultView()) => keyAction(key, view, kToday)
  it('choose periods', () => {
    expect(act('D')).toMatchObject({ patch: { period: { name: 'day' } } })
    expect(act('P')).toMatchObject({ patch: { period: { name: 'month', date: '2026-10-01' } } })
  })
  it('toggle the comparison, open the filter, switch sites', () => {
    expect(act('X')).toMatchObject({ patch: { comparison: { mode: 'previous_period' } } })
    expect(act('X', { ...defaultView(), comparison: { mode: 'year_over_year', matchWeekday: false } })).toMatchObject({ patch: { comparison: { mode: 'off' } } })
    expect(act('/')).toEqual({ kind: 'filter' })
    expect(act('3')).toEqual({ kind: 'site', index: 2 })
  })
  it('clear filters only if there are any', () => {
    expect(act('Escape')).toBeUndefined()
    expect(act('Escape', { ...defaultView(), filters: goal })).toEqual({ kind: 'view', patch: { filters: [] } })
  })
  it('do nothing else', () => { for (const key of ['Q', '0', 'Tab', 'ArrowUp']) expect(act(key)).toBeUndefined() })
})

it('several days of visitors carry a note, one day does not', () => {
  expect(accuracyNote('visitors', { name: '28d' }, kToday)).toBeTruthy()
  expect(accuracyNote('visitors', { name: 'day' }, kToday)).toBeUndefined()
  expect(accuracyNote('pageviews', { name: '28d' }, kToday)).toBeUndefined()
})

it('a pasted address becomes a domain', () => {
  expect(bareDomain(' HTTPS://Example.com/path?x#y ')).toBe('example.com')
  expect(bareDomain('example.com:8080')).toBe('example.com')
})

it('what is not set says so', () => {
  expect(rowText('source', '')).toBe('Direct / None')
  expect(rowText('browser', '')).toBe('(not set)')
  expect([isUnset(''), isUnset('(not set)'), isUnset('plan')]).toEqual([true, true, false])
  expect(rowIcon('browser', 'Mobile Safari')).toBe('brand:safari')
  expect(rowIcon('source', 'somewhere.example')).toBe('i-lucide-link')
})

it('a filtered browser shows its versions until one is chosen', () => {
  const chrome = [{ op: 'is' as const, dimension: 'visit:browser', values: ['Chrome'] }]
  expect(drilled(kDevices.tabs[0]!, [])).toBe(kDevices.tabs[0])
  expect(drilled(kDevices.tabs[0]!, chrome).dimensions).toEqual(['visit:browser_version'])
  expect(drilled(kDevices.tabs[0]!, [...chrome, { op: 'is', dimension: 'visit:browser_version', values: ['141'] }])).toBe(kDevices.tabs[0])
  expect(reportByKey('browser_versions', chrome)?.dimensions).toEqual(['visit:browser_version'])
  expect(reportByKey('property:plan', [])?.dimensions).toEqual(['event:props:plan'])
  expect(reportByKey('nonsense', [])).toBeUndefined()
})

it('the ledger names AI crawlers first and adds up', () => {
  const ledger = { accepted: 10, set_aside: 1, as_of: '2026-11-21T12:00:00Z', refused: [{ reason: 'gpc', source: 'collector', host: '', count: 2 }], bots: [{ name: 'Googlebot', category: 'search', reason: 'list', hits: 9 }, { name: 'GPTBot', category: 'ai_crawler', reason: 'list', hits: 3 }] }
  expect(botGroups(ledger).map(group => group.label)).toEqual(['AI crawlers', 'Search engines'])
  expect(ledgerTotals(ledger)).toEqual({ accepted: 10, refused: 2, bots: 12, setAside: 1, all: 25 })
})

it('a password is judged by what it takes to guess it', () => {
  expect(passwordHint('').score).toBe(0)
  expect(passwordHint('short').score).toBe(1)
  expect(passwordHint('aaaaaaaaaaaa').score).toBe(1)
  expect(passwordHint('Password123').score).toBe(1)
  expect(passwordHint('correct horse battery').score).toBe(4)
})

describe('an annotation', () => {
  it('lies on the day of the site', () => expect(wallClock('2026-11-20T23:30:00Z', 'Europe/Berlin')).toBe('2026-11-21 00:30:00'))
  it('falls into its bucket, or into none', () => {
    const days = ['2026-11-18', '2026-11-19', '2026-11-20']
    expect(bucketOf(days, '2026-11-19 12:00:00', 'day')).toBe(1)
    expect(bucketOf(days, '2026-11-20 23:59:59', 'day')).toBe(2)
    expect(bucketOf(days, '2026-11-21 12:00:00', 'day')).toBe(-1)
    expect(bucketOf(days, '2026-11-01 12:00:00', 'day')).toBe(-1)
    expect(bucketOf([], '2026-11-01 12:00:00', 'day')).toBe(-1)
  })
})

describe('the way in', () => {
  const page = (path: string, meta = {}) => ({ path, fullPath: path, meta, query: {} })
  it('leads to the first start while there is no owner', () => expect(admit(page('/sites/1'), { user: null, setup_required: true })).toBe('/setup'))
  it('leads to the sign-in and back', () => expect(admit(page('/sites/1'), { user: null, setup_required: false })).toEqual({ path: '/sign-in', query: { next: '/sites/1' } }))
  it('does not show the sign-in to who is in', () => expect(admit(page('/sign-in', { for: 'signed-out' }), { user: {}, setup_required: false })).toBe('/sites'))
  it('closes the first start once it is done', () => expect(admit(page('/setup', { for: 'signed-out' }), { user: null, setup_required: false })).toMatchObject({ path: '/sign-in' }))
})
