import { setCustomIconLoader, setCustomIconsLoader } from '@iconify/vue'
import ui from '@nuxt/ui/vue-plugin'
import { QueryClient, VueQueryPlugin } from '@tanstack/vue-query'
import { createApp } from 'vue'
import { ApiError } from './api/client'
import { isWorthRetrying, retryDelay } from './api/retry'
import App from './App.vue'
import { kSessionKey } from './composables/session'
import { createAppRouter } from './router'
import './theme.css'

const cache = new QueryClient({
  defaultOptions: {
    queries: {
      retry: isWorthRetrying,
      retryDelay,
      refetchOnWindowFocus: false,
      staleTime: 15_000,
    },
  },
})
const router = createAppRouter(cache)

// A session that has ended leads to the sign-in, and from there back.
cache.getQueryCache().subscribe((event) => {
  if (event.type !== 'updated' || event.action.type !== 'error') return
  const error: unknown = event.action.error
  if (!(error instanceof ApiError) || error.status !== 401 || router.currentRoute.value.meta.for) return
  cache.setQueryData(kSessionKey, { user: null, setup_required: false })
  void router.replace({ path: '/sign-in', query: { next: router.currentRoute.value.fullPath } })
})

// Icons are compiled in; one that is not is left out rather than asked of an icon host.
setCustomIconsLoader(async () => (await import('virtual:brand-icons')).default, 'brand')
setCustomIconLoader(() => null, 'lucide')

createApp(App).use(router).use(VueQueryPlugin, { queryClient: cache }).use(ui).mount('#app')
