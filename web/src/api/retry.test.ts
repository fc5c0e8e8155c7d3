import { describe, expect, it } from 'vitest'
import { ApiError } from './client'
import { isWorthRetrying, retryDelay } from './retry'

const busy = (retryAfter: number) => new ApiError({ status: 503, retryAfter })
const gone = new ApiError({ status: 0 })

describe('a failed question', () => {
  it('is asked again when the server is busy for a moment, as soon as it says', () => {
    expect(isWorthRetrying(0, busy(3))).toBe(true)
    expect(retryDelay(0, busy(3))).toBe(3000)
  })

  it('is not asked again by itself when the server wants to be left alone for long', () => {
    expect(isWorthRetrying(0, busy(10))).toBe(false)
  })

  it('is asked again when the server cannot be reached, later each time', () => {
    expect(isWorthRetrying(1, gone)).toBe(true)
    expect([retryDelay(0, gone), retryDelay(1, gone)]).toEqual([1000, 2000])
  })

  it('is given up after two tries', () => {
    expect(isWorthRetrying(2, gone)).toBe(false)
    expect(isWorthRetrying(2, busy(1))).toBe(false)
  })

  it('is not asked again when the fault is with the question', () => {
    for (const status of [400, 401, 403, 404, 429, 500]) expect(isWorthRetrying(0, new ApiError({ status, retryAfter: 1 }))).toBe(false)
    expect(isWorthRetrying(0, new TypeError('a fault of ours'))).toBe(false)
  })
})
