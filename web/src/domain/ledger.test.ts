import { describe, expect, it } from 'vitest'
import type { Ledger } from '../api/client'
import { ledgerSpan, mixesDays, nearestSite, reasonLabel, refusalGroups, refusalRemedy, refusalText } from './ledger'

const sites = [{ id: '1', domain: 'harbour.example', hosts: ['harbour.example', '*.harbour.example'] }, { id: '2', domain: 'shop.example', hosts: ['shop.example'] }]
const row = (asked_site: string, asked_host: string, reason = 'unknown_site') => nearestSite({ reason, asked_site, asked_host }, sites)?.id

it('a hit from a host of ours was meant for the site that has it', () => {
  expect(row('123', 'harbour.example')).toBe('1')
  expect(row('123', 'www.harbour.example')).toBe('1')
  expect(row('shop.example', 'evil-harbour.example')).toBe('2')
})

it('a mistyped domain is recognised, a stranger is not', () => {
  expect(row('harbuor.example', '')).toBe('1')
  expect(row('shop.exampel', 'elsewhere.example')).toBe('2')
  expect(row('stranger.example', 'stranger.example')).toBeUndefined()
  expect(row('', '')).toBeUndefined()
})

it('only an unknown site is a question of snippets', () => {
  expect(row('harbour.example', 'harbour.example', 'body_too_large')).toBeUndefined()
})

it('a reason without words of its own is still readable', () => {
  expect(reasonLabel('unknown_site')).toBe('Unknown site')
  expect(reasonLabel('seen_by_nobody')).toBe('Seen by nobody')
})

const ledger = (refused: [reason: string, count: number, host?: string][], bots = 0, accepted = 0): Ledger => ({
  accepted, set_aside: 0, as_of: '2026-11-21T12:00:00Z', refused: refused.map(([reason, count, host = '']) => ({ reason, source: 'collector', host, count })),
  bots: bots ? [{ name: 'HeadlessChrome', category: 'tool', reason: 'list', hits: bots }] : [],
})

describe('what was refused meanwhile', () => {
  it('is said with its reason', () => {
    expect(refusalText(ledger([['foreign_origin', 1]]))).toBe('1 hit was refused: foreign origin.')
    expect(refusalText(ledger([['gpc', 2], ['foreign_origin', 3]]))).toBe('5 hits were refused: foreign origin (3), Global Privacy Control (2).')
    expect(refusalText(ledger([['foreign_origin', 2, 'a.example'], ['foreign_origin', 3, 'b.example'], ['gpc', 1]]))).toBe('6 hits were refused: foreign origin b.example and others (5), Global Privacy Control (1).')
    expect(refusalText(ledger([], 1))).toBe('1 hit was judged to come from a bot.')
    expect(refusalText(ledger([]))).toBeUndefined()
  })
  it('leads to where it is mended', () => {
    expect(refusalRemedy(ledger([['gpc', 1], ['foreign_origin', 3]]), '7')).toEqual({ label: 'Allow this host in settings', to: '/sites/7/settings/general' })
    expect(refusalRemedy(ledger([['gpc', 3], ['foreign_origin', 2, 'a.example'], ['foreign_origin', 2, 'b.example']]), '7').to).toBe('/sites/7/settings/general?host=a.example')
    expect(refusalRemedy(ledger([['excluded_network', 1]]), '7').to).toBe('/sites/7/settings/excluded')
    expect(refusalRemedy(ledger([['rate_limited', 1]]), '7').to).toBe('/sites/7/ledger')
  })
})

it('refusals stand together by reason, with the hosts that were named', () => {
  expect(refusalGroups(ledger([['gpc', 2], ['foreign_origin', 1, 'a.example'], ['foreign_origin', 4, 'b.example'], ['foreign_origin', 1]]).refused)).toEqual([
    { reason: 'foreign_origin', source: 'collector', count: 6, hosts: [{ host: 'b.example', count: 4 }, { host: 'a.example', count: 1 }] },
    { reason: 'gpc', source: 'collector', count: 2, hosts: [] },
  ])
})

describe('the days of the ledger', () => {
  it('are whole ones, and are called so', () => {
    expect(ledgerSpan({ name: 'realtime' }, '2026-11-20')).toBe('The whole of today')
    expect(ledgerSpan({ name: '24h' }, '2026-11-20')).toMatch(/Nov 19\s–\s20, 2026/)
    expect(ledgerSpan({ name: '30d' }, '2026-11-20')).toBe('Last 30 days')
  })
  it('are not the same for hits and for refusals', () => {
    expect(mixesDays(ledger([['gpc', 1]], 0, 5))).toBe(true)
    expect([mixesDays(ledger([['gpc', 1]])), mixesDays(ledger([], 3, 5))]).toEqual([false, false])
  })
})
