import { defineAsyncComponent, h, type Component } from 'vue'

const kAttempts = 4
const kPauseMs = 1500

/// A part that comes when it is wanted. Until then something of its size holds its place, and a load that fails (the
/// server restarts, the phone is in a tunnel) is tried again.
export function lazyPart<T extends Component>(load: () => Promise<T | { default: T }>, placeClass: string) {
  const Place = () => h('div', { 'class': `animate-pulse rounded-md bg-elevated ${placeClass}`, 'data-slot': 'skeleton', 'aria-busy': 'true' })
  return defineAsyncComponent({
    loader: load as () => Promise<T>,
    loadingComponent: Place,
    delay: 0,
    onError: (_error, retry, fail, attempts) => { if (attempts < kAttempts) setTimeout(retry, kPauseMs * attempts); else fail() },
  })
}
