import { onScopeDispose, ref, shallowReactive, watch, type Ref } from 'vue'
import { currentShareGrant, type LiveReport } from '@/api/client'

export type Connection = 'connecting' | 'live' | 'lost'

const kFirstRetryMs = 1000
const kLongestRetryMs = 15_000
/// The server takes so many subjects on one stream.
const kSitesMax = 20

/// What changes when hits arrive. Of the last half hour also what leaves it, minute by minute.
export function pulse(report: LiveReport, realtime: boolean): string {
  return realtime ? `${report.hits_total} ${report.current_visitors} ${report.minutes.at(-1)?.minute}` : `${report.hits_total}`
}

/// The live reports of `siteIds`, pushed by the server; the first of each comes at once. A lost stream is
/// opened again by itself, ever more patiently. When the server refuses that, `refused` is called once: the session, the
/// link or the site may be gone.
export function useLive(siteIds: Ref<string[]>, refused: () => void): { reports: Record<string, LiveReport>, connection: Ref<Connection> } {
  const reports = shallowReactive<Record<string, LiveReport>>({})
  const connection = ref<Connection>('connecting')
  let source: EventSource | undefined
  let retry: ReturnType<typeof setTimeout> | undefined
  let wait = kFirstRetryMs
  let told = false

  function close() {
    clearTimeout(retry)
    source?.close()
    source = undefined
  }

  function open(ids: string[]) {
    close()
    if (!ids.length) return
    connection.value = 'connecting'
    const subjects = ids.map(id => `events.analytics.live.${id}`)
    const parameters = new URLSearchParams({ subjects: subjects.join(',') })
    if (currentShareGrant()) parameters.set('share', currentShareGrant())
    const stream = source = new EventSource(`/api/v1/events?${parameters}`)
    stream.onopen = () => { connection.value = 'live'; wait = kFirstRetryMs; told = false }
    const take = (message: MessageEvent<string>) => {
      const report = JSON.parse(message.data) as LiveReport
      reports[report.site_id] = report
      connection.value = 'live'
    }
    for (const subject of subjects) stream.addEventListener(subject, take)
    stream.onerror = () => {
      connection.value = 'lost'
      if (stream.readyState !== EventSource.CLOSED) return // the browser tries again by itself
      if (!told) refused()
      told = true
      retry = setTimeout(() => open(ids), wait)
      wait = Math.min(wait * 2, kLongestRetryMs)
    }
  }

  watch(() => siteIds.value.slice(0, kSitesMax).join(','), () => open(siteIds.value.slice(0, kSitesMax)), { immediate: true })
  onScopeDispose(close)
  return { reports, connection }
}
