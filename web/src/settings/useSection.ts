import { refAutoReset } from '@vueuse/core'
import { computed } from 'vue'
import type { Site, SiteChange } from '@/api/client'
import { useChangeSite } from '@/composables/sites'
import { useProblem } from '@/composables/useProblem'

/// Saves one section of the settings and remembers for a moment that it did.
export function useSection(site: () => Site) {
  const change = useChangeSite(computed(() => site().id))
  const { busy, attempt, field, general } = useProblem()
  const saved = refAutoReset(false, 3000)
  async function save(patch: SiteChange) {
    saved.value = await attempt(() => change.mutateAsync(patch)) !== undefined
  }
  return { save, saved, busy, field, general }
}

/// A text area's lines as a list, and back.
export function lines(text: string): string[] {
  return text.split('\n').map(line => line.trim()).filter(Boolean)
}
