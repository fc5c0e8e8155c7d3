import { expect, it } from 'vitest'
import { keptSince, shrinks } from './retention'

it('a shorter retention deletes, a longer one does not', () => {
  expect([shrinks(null, 30), shrinks(400, 399), shrinks(400, 1)]).toEqual([true, true, true])
  expect([shrinks(null, null), shrinks(30, null), shrinks(30, 400), shrinks(30, 30)]).toEqual([false, false, false, false])
})

it('rows are kept since so many days ago', () => expect(keptSince(30, new Date('2026-11-20T10:00:00Z')).toISOString()).toBe('2026-10-21T10:00:00.000Z'))
