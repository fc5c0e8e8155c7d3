import { expect, it } from 'vitest'
import { nearestSite, reasonLabel } from './ledger'

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
