import { useMutation, useQuery, useQueryClient } from '@tanstack/vue-query'
import { computed, type Ref } from 'vue'
import { api, unwrap, type Site, type SiteChange } from '@/api/client'

export const kSitesKey = ['sites']

export function useSites() {
  return useQuery({ queryKey: kSitesKey, queryFn: () => unwrap(api.GET('/api/v1/sites')).then(list => list.items) })
}

export function useSite(id: Ref<string>) {
  const key = computed(() => ['site', id.value])
  return useQuery({
    queryKey: key,
    queryFn: () => unwrap(api.GET('/api/v1/sites/{site_id}', { params: { path: { site_id: id.value } } })),
    enabled: computed(() => id.value !== ''),
  })
}

/// Saves part of a site's settings.
export function useChangeSite(id: Ref<string>) {
  const cache = useQueryClient()
  return useMutation({
    meta: { quiet: true },
    mutationFn: (change: SiteChange) => unwrap(api.PATCH('/api/v1/sites/{site_id}', { params: { path: { site_id: id.value } }, body: change })),
    onSuccess: (site: Site) => {
      cache.setQueryData(['site', id.value], site)
      void cache.invalidateQueries({ queryKey: kSitesKey })
      void cache.invalidateQueries({ queryKey: ['stats', id.value] })
    },
  })
}
