import type { QueryClient } from '@tanstack/vue-query'
import { createRouter, createWebHistory, type RouteLocationNormalized } from 'vue-router'
import { isFramed } from './domain/embed'
import { fetchSession, kSessionKey } from './composables/session'

declare module 'vue-router' {
  interface RouteMeta {
    /// `signed-out`: the first start and the sign-in; `anyone`: shared dashboards. Everything else needs a session.
    for?: 'signed-out' | 'anyone'
    title?: string
  }
}

export function createAppRouter(cache: QueryClient) {
  const router = createRouter({
    history: createWebHistory(),
    scrollBehavior: (to, from, saved) => saved ?? (to.path === from.path ? false : { top: 0 }),
    routes: [
      { path: '/', redirect: '/sites' },
      { path: '/setup', component: () => import('./pages/SetupPage.vue'), meta: { for: 'signed-out', title: 'Welcome' } },
      { path: '/sign-in', component: () => import('./pages/SignInPage.vue'), meta: { for: 'signed-out', title: 'Sign in' } },
      { path: '/share/:token', component: () => import('./pages/SharePage.vue'), props: true, meta: { for: 'anyone', title: 'Shared dashboard' } },
      { path: '/sites', component: () => import('./pages/SitesPage.vue'), meta: { title: 'Sites' } },
      { path: '/sites/new', component: () => import('./pages/NewSitePage.vue'), meta: { title: 'New site' } },
      { path: '/sites/:id', component: () => import('./pages/DashboardPage.vue'), props: true, meta: { title: 'Dashboard' } },
      { path: '/sites/:id/install', component: () => import('./pages/InstallPage.vue'), props: true, meta: { title: 'Install' } },
      { path: '/sites/:id/ledger', component: () => import('./pages/LedgerPage.vue'), props: true, meta: { title: 'Ledger' } },
      { path: '/sites/:id/settings/:section?', component: () => import('./pages/SettingsPage.vue'), props: true, meta: { title: 'Settings' } },
      { path: '/ledger', component: () => import('./pages/StrayLedgerPage.vue'), meta: { title: 'Refused without a site' } },
      { path: '/analytics/classify', component: () => import('./pages/ClassifyPage.vue'), meta: { title: 'How would a hit be judged?' } },
      { path: '/account', component: () => import('./pages/AccountPage.vue'), meta: { title: 'Account' } },
      { path: '/:path(.*)*', component: () => import('./pages/MissingPage.vue'), meta: { for: 'anyone', title: 'Not found' } },
    ],
  })

  router.beforeEach(async (to) => {
    if (isFramed() && !to.path.startsWith('/share/')) return false
    if (to.meta.for === 'anyone') return true
    try {
      const session = await cache.ensureQueryData({ queryKey: kSessionKey, queryFn: fetchSession })
      return admit(to, session)
    }
    catch {
      return true // the page itself says that the server cannot be reached, and offers to try again
    }
  })
  router.afterEach((to) => { document.title = to.meta.title ? `${to.meta.title} · Mainstay` : 'Mainstay' })
  return router
}

/// Where somebody may go: the first start before everything, then the sign-in, then the page asked for.
export function admit(to: Pick<RouteLocationNormalized, 'path' | 'fullPath' | 'meta' | 'query'>, session: { user?: unknown, setup_required: boolean }) {
  if (session.setup_required) return to.path === '/setup' ? true : '/setup'
  const signedOutPage = to.meta.for === 'signed-out'
  if (!session.user) return to.path === '/sign-in' ? true : { path: '/sign-in', query: to.fullPath === '/sites' ? {} : { next: to.fullPath } }
  return signedOutPage ? '/sites' : true
}
