import { describe, expect, it } from 'vitest'
import { bucketOf, noteOf, noteTime } from './annotations'
import { wallClock } from '../domain/dates'

const kDays = ['2026-11-19', '2026-11-20', '2026-11-21']

describe('a note of a day', () => {
  it('is on this day for the site, wherever it and its reader are', () => {
    for (const zone of ['Pacific/Auckland', 'Pacific/Kiritimati', 'America/New_York', 'Pacific/Pago_Pago']) {
      const { at, text } = noteOf('2026-11-20', ' Version 2 ', zone)
      expect(text).toBe('Version 2')
      expect([zone, noteTime(at, zone)]).toEqual([zone, 'Nov 20, 2026'])
      expect([zone, bucketOf(kDays, wallClock(at, zone), 'day')]).toEqual([zone, 1])
    }
  })
  it('made with a moment shows it', () => expect(noteTime('2026-11-20T23:30:00Z', 'America/New_York')).toMatch(/^Nov 20, 2026, 6:30\sPM$/))
})
