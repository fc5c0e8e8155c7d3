import { useMutation, useQuery, useQueryClient } from '@tanstack/vue-query'
import { api, unwrap } from '@/api/client'

export const kSessionKey = ['session']

export function fetchSession() {
  return unwrap(api.GET('/api/v1/session'))
}

/// Who is signed in; the router has asked before any page is shown.
export function useSession() {
  return useQuery({ queryKey: kSessionKey, queryFn: fetchSession, staleTime: 60_000 })
}

export function useSignOut() {
  const cache = useQueryClient()
  return useMutation({
    mutationFn: () => unwrap(api.DELETE('/api/v1/session')),
    onSuccess: () => {
      cache.clear()
      cache.setQueryData(kSessionKey, { user: null, setup_required: false })
    },
  })
}
