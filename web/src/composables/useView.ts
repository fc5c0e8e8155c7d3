import { computed, type ComputedRef } from 'vue'
import { useRoute, useRouter } from 'vue-router'
import { parseView, viewQuery, type View } from '@/domain/view'

/// The dashboard's view as the address has it, and the only way to change it. Opening details adds to the
/// browser's history like every other step, so that Back closes them.
export function useView(): { view: ComputedRef<View>, change: (patch: Partial<View>, mode?: 'push' | 'replace') => void, addressOf: (patch: Partial<View>) => string } {
  const route = useRoute()
  const router = useRouter()
  const view = computed(() => parseView(route.query))
  const target = (patch: Partial<View>) => ({ path: route.path, query: viewQuery({ ...view.value, ...patch }) })
  return {
    view,
    change: (patch, mode = 'push') => { void router[mode](target(patch)) },
    addressOf: patch => router.resolve(target(patch)).href,
  }
}
