import { useDocumentVisibility } from '@vueuse/core'
import { onScopeDispose, watch, type Ref } from 'vue'

/// Calls `refresh` after `count` has moved, at once and then at most every `pauseMs`, and never while the
/// page is hidden or looks at the past only.
export function useFreshness(count: Ref<number | string | undefined>, active: Ref<boolean>, pauseMs: Ref<number>, refresh: () => void) {
  const visibility = useDocumentVisibility()
  let timer: ReturnType<typeof setTimeout> | undefined
  let last = Number.NEGATIVE_INFINITY
  let due = false

  function run() {
    timer = undefined
    if (!due || !active.value || visibility.value === 'hidden') return
    due = false
    last = Date.now()
    refresh()
  }

  function schedule() {
    if (timer === undefined) timer = setTimeout(run, Math.max(0, last + pauseMs.value - Date.now()))
  }

  watch(count, (now, before) => {
    if (now === undefined || before === undefined || now === before) return
    due = true
    schedule()
  })
  watch([active, visibility], () => { if (due) schedule() })
  onScopeDispose(() => clearTimeout(timer))
}
