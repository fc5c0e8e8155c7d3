import { refAutoReset } from '@vueuse/core'
import { computed } from 'vue'
import type { Site, SiteChange } from '@/api/client'
import { useChangeSite } from '@/composables/sites'
import { useProblem } from '@/composables/useProblem'
import { useUnsaved } from './useUnsaved'

/// Saves one section of the settings and remembers for a moment that it did. `form` gives what saving sends, `shown` the fields
/// that show what is against them.
export function useSection(site: () => Site, form: () => SiteChange, shown: () => string[]) {
  const change = useChangeSite(computed(() => site().id))
  const { busy, attempt, field, general } = useProblem(shown)
  const unsaved = useUnsaved(form)
  const saved = refAutoReset(false, 3000)
  async function save() {
    const patch = form(), settle = unsaved.mark()
    saved.value = await attempt(() => change.mutateAsync(patch), patch) !== undefined
    if (saved.value) settle()
  }
  return { save, saved, busy, field, general, unsaved }
}

/// A text area's lines as a list, and back.
export function lines(text: string): string[] {
  return text.split('\n').map(line => line.trim()).filter(Boolean)
}
