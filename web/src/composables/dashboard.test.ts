import { expect, it } from 'vitest'
import { effectScope, ref, shallowRef } from 'vue'
import type { StatsQuery } from '@/api/client'
import { headlineQuery } from '@/domain/query'
import { defaultView } from '@/domain/view'
import { useOutdated } from './dashboard'

const ask = (metrics: string[], filters: string[] = []): StatsQuery =>
  headlineQuery({ siteId: '7', today: '2026-11-20', view: { ...defaultView(), filters: filters.map(value => ({ op: 'is', dimension: 'visit:source', values: [value] })) } }, metrics)

it('numbers that stand in for others are outdated only when they are about other visits', () => {
  effectScope().run(() => {
    const asked = shallowRef<StatsQuery | undefined>(ask(['visitors']))
    const kept = ref(false)
    const data = ref<unknown>()
    const outdated = useOutdated(asked, kept, data)
    expect(outdated.value).toBe(false)
    data.value = 'all'
    asked.value = ask(['visits'])
    kept.value = true
    expect(outdated.value).toBe(false)
    asked.value = ask(['visits'], ['Google'])
    expect(outdated.value).toBe(true)
    kept.value = false
    data.value = 'Google'
    expect(outdated.value).toBe(false)
    asked.value = ask(['visits'])
    kept.value = true
    expect(outdated.value).toBe(true)
  })
})
