import { expect, it } from 'vitest'
import { keyAction } from './shortcuts'
import { defaultView } from './view'

it('X does nothing where nothing can be compared', () => {
  for (const name of ['realtime', 'all'] as const) expect(keyAction('X', { ...defaultView(), period: { name } }, '2026-11-20')).toBeUndefined()
  expect(keyAction('X', defaultView(), '2026-11-20')).toMatchObject({ patch: { comparison: { mode: 'previous_period' } } })
})
