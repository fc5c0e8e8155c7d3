import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { effectScope, ref } from 'vue'
import { pulse, useLive } from './useLive'

/// Stands for the browser's EventSource; the test plays the server.
class FakeSource {
  static readonly CLOSED = 2
  static all: FakeSource[] = []
  readyState = 1
  onopen?: () => void
  onerror?: () => void
  readonly takers = new Map<string, (message: { data: string }) => void>()
  constructor(readonly url: string) { FakeSource.all.push(this) }
  addEventListener(subject: string, take: (message: { data: string }) => void) { this.takers.set(subject, take) }
  close() { this.readyState = FakeSource.CLOSED }
  push(report: object) { for (const take of this.takers.values()) take({ data: JSON.stringify(report) }) }
  /// The server ends the stream and refuses another.
  refuse() { this.readyState = FakeSource.CLOSED; this.onerror?.() }
  /// The connection breaks; the browser tries again.
  lose() { this.readyState = 0; this.onerror?.() }
}

beforeEach(() => { vi.useFakeTimers(); FakeSource.all = []; vi.stubGlobal('EventSource', FakeSource) })
afterEach(() => { vi.useRealTimers(); vi.unstubAllGlobals() })

function setUp() {
  const refused = vi.fn(), scope = effectScope()
  const live = scope.run(() => useLive(ref(['7']), refused))!
  return { ...live, refused, scope, source: () => FakeSource.all.at(-1)! }
}

it('takes the reports as they come', () => {
  const { reports, connection, source } = setUp()
  expect(source().url).toContain('events.analytics.live.7')
  source().onopen?.()
  source().push({ site_id: '7', hits_total: 3 })
  expect(connection.value).toBe('live')
  expect(reports['7']?.hits_total).toBe(3)
})

it('a broken connection is the browser’s to mend', async () => {
  const { connection, refused, source } = setUp()
  source().lose()
  await vi.advanceTimersByTimeAsync(60_000)
  expect(connection.value).toBe('lost')
  expect(refused).not.toHaveBeenCalled()
  expect(FakeSource.all).toHaveLength(1)
})

it('a refused stream is told once and tried again until it opens', async () => {
  const { refused, source } = setUp()
  source().refuse()
  expect(refused).toHaveBeenCalledTimes(1)
  await vi.advanceTimersByTimeAsync(1000)
  source().refuse()
  await vi.advanceTimersByTimeAsync(2000)
  expect(FakeSource.all).toHaveLength(3)
  expect(refused).toHaveBeenCalledTimes(1)
  source().onopen?.()
  source().refuse()
  expect(refused).toHaveBeenCalledTimes(2)
})

it('a page that is left is told nothing more', async () => {
  const { scope, source } = setUp()
  source().refuse()
  scope.stop()
  await vi.advanceTimersByTimeAsync(60_000)
  expect(FakeSource.all).toHaveLength(1)
})

it('the pulse moves with each hit, and in realtime with each minute', () => {
  const report = (hits_total: number, minute: string) => ({ hits_total, current_visitors: 1, minutes: [{ minute }] }) as never
  expect(pulse(report(1, 'a'), false)).toBe(pulse(report(1, 'b'), false))
  expect(pulse(report(1, 'a'), false)).not.toBe(pulse(report(2, 'a'), false))
  expect(pulse(report(1, 'a'), true)).not.toBe(pulse(report(1, 'b'), true))
})
