import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { effectScope, ref } from 'vue'
import { useUnsaved } from './useUnsaved'

beforeEach(() => { vi.spyOn(console, 'warn').mockImplementation(() => undefined) })
afterEach(() => { vi.restoreAllMocks() })

function setUp() {
  const name = ref('Harbour')
  const unsaved = effectScope().run(() => useUnsaved(() => ({ name: name.value.trim() })))!
  return { name, ...unsaved }
}

describe('a form', () => {
  it('is left without a word while it is as it was saved', () => {
    const { name, dirty, mayLeave } = setUp()
    name.value = ' Harbour '
    expect([dirty.value, mayLeave()]).toEqual([false, true])
  })
  it('with changes is left only when that is wanted', async () => {
    const { name, asking, mayLeave, answer } = setUp()
    name.value = 'Port'
    const first = mayLeave()
    expect(asking.value).toBe(true)
    answer(false)
    expect(await first).toBe(false)
    const second = mayLeave()
    answer(true)
    expect(await second).toBe(true)
    expect(asking.value).toBe(false)
  })
  it('is unsaved again by what is typed while it is being saved', () => {
    const { name, dirty, mark } = setUp()
    name.value = 'Port'
    const saved = mark()
    name.value = 'Ports'
    saved()
    expect(dirty.value).toBe(true)
    name.value = 'Port'
    expect(dirty.value).toBe(false)
  })
})
