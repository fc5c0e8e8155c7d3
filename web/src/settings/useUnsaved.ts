import { useEventListener } from '@vueuse/core'
import { computed, ref, shallowRef } from 'vue'
import { onBeforeRouteLeave, onBeforeRouteUpdate } from 'vue-router'

export type Unsaved = ReturnType<typeof useUnsaved>

/// Whether a form differs from what was saved; who leaves it then is asked first. `form` gives everything that saving sends.
export function useUnsaved(form: () => unknown) {
  const now = computed(() => JSON.stringify(form()))
  const kept = ref(now.value)
  const dirty = computed(() => now.value !== kept.value)
  const decide = shallowRef<(leave: boolean) => void>()

  function mayLeave(): boolean | Promise<boolean> {
    if (!dirty.value) return true
    answer(false)
    return new Promise((decided) => { decide.value = decided })
  }
  function answer(leave: boolean) {
    decide.value?.(leave)
    decide.value = undefined
  }
  onBeforeRouteLeave(mayLeave)
  onBeforeRouteUpdate(mayLeave)
  useEventListener('beforeunload', (event: BeforeUnloadEvent) => { if (dirty.value) event.preventDefault() })

  /// Call before saving; what it gives is called once that has worked. What is typed meanwhile stays unsaved.
  function mark(): () => void {
    const sent = now.value
    return () => { kept.value = sent }
  }
  return { dirty, asking: computed(() => decide.value !== undefined), mayLeave, answer, mark }
}
