import { useQuery } from '@tanstack/vue-query'
import { computed } from 'vue'
import { api, unwrap } from '@/api/client'
import { periodDays } from '@/domain/period'
import { useDashboard } from './dashboard'

/// The names of the properties that events of the period had, the commonest first.
export function usePropertyNames() {
  const { site, view, today, firstDay } = useDashboard()
  const days = computed(() => periodDays(view.value.period, today.value, firstDay.value))
  return useQuery({
    queryKey: computed(() => ['stats', site.value.id, 'properties', ...days.value]),
    queryFn: () => unwrap(api.GET('/api/v1/sites/{site_id}/properties', { params: { path: { site_id: site.value.id }, query: { from: days.value[0], to: days.value[1] } } })),
  })
}
