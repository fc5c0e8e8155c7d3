import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { effectScope, nextTick, ref } from 'vue'
import { useFreshness } from './useFreshness'

const kPause = 4000
beforeEach(() => { vi.useFakeTimers() })
afterEach(() => { vi.useRealTimers() })

function setUp(now = true) {
  const count = ref<number | undefined>(), active = ref(now), refresh = vi.fn(), scope = effectScope()
  scope.run(() => useFreshness(count, active, ref(kPause), refresh))
  const arrive = async (hits: number) => { count.value = hits; await nextTick(); await vi.advanceTimersByTimeAsync(0) }
  return { active, refresh, scope, arrive }
}

it('the first report is not news, the next hit is', async () => {
  const { refresh, arrive } = setUp()
  await arrive(10)
  expect(refresh).not.toHaveBeenCalled()
  await arrive(11)
  expect(refresh).toHaveBeenCalledTimes(1)
})

it('a stream of hits refreshes once a pause, and the last hit is not forgotten', async () => {
  const { refresh, arrive } = setUp()
  for (let hits = 0; hits < 20; hits++) await arrive(hits)
  expect(refresh).toHaveBeenCalledTimes(1)
  await vi.advanceTimersByTimeAsync(kPause)
  expect(refresh).toHaveBeenCalledTimes(2)
  await vi.advanceTimersByTimeAsync(10 * kPause)
  expect(refresh).toHaveBeenCalledTimes(2)
})

it('a look at the past stays still until it comes back to now', async () => {
  const { active, refresh, arrive } = setUp(false)
  await arrive(1)
  await arrive(2)
  await vi.advanceTimersByTimeAsync(kPause)
  expect(refresh).not.toHaveBeenCalled()
  active.value = true
  await nextTick()
  await vi.advanceTimersByTimeAsync(kPause)
  expect(refresh).toHaveBeenCalledTimes(1)
})

it('nothing happens after the page is left', async () => {
  const { refresh, scope, arrive } = setUp()
  await arrive(1)
  await arrive(2)
  await arrive(3)
  scope.stop()
  await vi.advanceTimersByTimeAsync(10 * kPause)
  expect(refresh).toHaveBeenCalledTimes(1)
})
