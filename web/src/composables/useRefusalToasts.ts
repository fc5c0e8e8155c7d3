import { useToast } from '@nuxt/ui/composables'
import { useQueryClient } from '@tanstack/vue-query'

/// Says what the server refused, where no form does it (a form marks its mutations `quiet`).
export function useRefusalToasts() {
  const toast = useToast()
  useQueryClient().getMutationCache().config.onError = (error, _variables, _result, mutation) => {
    if (mutation.meta?.quiet) return
    toast.add({ title: 'That did not work', description: error.message, color: 'error', icon: 'i-lucide-circle-alert' })
  }
}
