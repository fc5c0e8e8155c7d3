import { useMutation, useQuery, useQueryClient } from '@tanstack/vue-query'
import { computed, type Ref } from 'vue'
import { api, unwrap, type Annotation } from '@/api/client'
import { noonIn, wallClock, type Day } from '@/domain/dates'
import { formatDate, formatStamp } from '@/domain/format'
import type { Interval } from '@/domain/period'
import { useDashboard } from './dashboard'
import type { SeriesBucket } from './useSeries'

export interface Mark { index: number, texts: string[] }

/// The bucket that `clock` falls into: the last one that begins at or before it, if the series reaches it.
export function bucketOf(labels: string[], clock: string, interval: Interval): number {
  const key = (label: string) => label.replace('T', ' ').padEnd(19, ' 00:00:00'.slice(label.length - 10))
  const index = labels.findLastIndex(label => key(label) <= clock)
  if (index !== labels.length - 1) return index
  const days = { minute: 0, hour: 0, day: 1, week: 7, month: 31 }[interval]
  const last = labels[index]
  if (!last) return -1
  const reach = (Date.parse(clock.replace(' ', 'T')) - Date.parse(key(last).replace(' ', 'T'))) / 86_400_000
  return reach <= Math.max(days, interval === 'hour' ? 1 / 24 : 0.01) ? index : -1
}

/// A note about a whole day of a site, which is one at noon of its clocks.
export function noteOf(day: Day, text: string, zone: string): Omit<Annotation, 'id'> {
  return { at: noonIn(day, zone), text: text.trim() }
}

/// When a note is of, by the clocks of its site: a day, or a moment if it was made with one.
export function noteTime(at: string, zone: string): string {
  return wallClock(at, zone).endsWith(' 12:00:00') ? formatDate(at, zone) : formatStamp(at, zone)
}

export function useAnnotations(series: Ref<SeriesBucket[]>, interval: Ref<Interval>) {
  const { site } = useDashboard()
  const { data } = useAnnotationList(computed(() => site.value.id))
  const marks = computed<Mark[]>(() => {
    const labels = series.value.map(bucket => bucket.label)
    const byIndex = new Map<number, string[]>()
    for (const note of data.value ?? []) {
      const index = bucketOf(labels, wallClock(note.at, site.value.timezone), interval.value)
      if (index >= 0) byIndex.set(index, [...byIndex.get(index) ?? [], note.text])
    }
    return [...byIndex].map(([index, texts]) => ({ index, texts }))
  })
  return { marks }
}

export function useAnnotationList(siteId: Ref<string>) {
  return useQuery({
    queryKey: computed(() => ['annotations', siteId.value]),
    queryFn: () => unwrap(api.GET('/api/v1/sites/{site_id}/annotations', { params: { path: { site_id: siteId.value } } })).then(list => list.items),
  })
}

export function useAnnotationChanges(siteId: Ref<string>) {
  const cache = useQueryClient()
  const refresh = () => cache.invalidateQueries({ queryKey: ['annotations', siteId.value] })
  const add = useMutation({
    meta: { quiet: true },
    mutationFn: (note: Omit<Annotation, 'id'>) => unwrap(api.POST('/api/v1/sites/{site_id}/annotations', { params: { path: { site_id: siteId.value } }, body: note })),
    onSuccess: refresh,
  })
  const remove = useMutation({
    mutationFn: (id: string) => unwrap(api.DELETE('/api/v1/sites/{site_id}/annotations/{annotation_id}', { params: { path: { site_id: siteId.value, annotation_id: id } } })),
    onSuccess: refresh,
  })
  return { add, remove }
}
