import { useMutation, useQuery, useQueryClient } from '@tanstack/vue-query'
import { computed, type Ref } from 'vue'
import { api, unwrap, type ListedSite, type Site, type SiteChange } from '@/api/client'
import { inListOrder } from '@/domain/pins'

export const kSitesKey = ['sites']
const kPinKey = ['pinned-sites']

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

/// Pins sites for whoever is signed in; the list shows it at once and goes back when the server refuses. What is asked for in
/// quick succession is done one after the other, and only then is the list read anew.
export function usePinSites() {
  const cache = useQueryClient()
  return useMutation({
    mutationKey: kPinKey,
    scope: { id: 'pinned-sites' },
    mutationFn: (ids: string[]) => unwrap(api.PUT('/api/v1/pinned-sites', { body: { site_ids: ids } })),
    onMutate: async (ids: string[]) => {
      await cache.cancelQueries({ queryKey: kSitesKey })
      const before = cache.getQueryData<ListedSite[]>(kSitesKey)
      if (before) cache.setQueryData(kSitesKey, inListOrder(before, ids))
      return before
    },
    onError: (_error, _ids, before) => { cache.setQueryData(kSitesKey, before) },
    onSettled: () => cache.isMutating({ mutationKey: kPinKey }) > 1 ? undefined : cache.invalidateQueries({ queryKey: kSitesKey }),
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
