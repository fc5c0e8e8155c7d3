import { useEventListener } from '@vueuse/core'

/// Calls `take` with the name of a pressed key (letters in upper case) unless somebody is typing, a dialog
/// is open, or a modifier makes it another command. `take` says whether the key was its own.
export function useShortcuts(take: (key: string) => boolean) {
  useEventListener(window, 'keydown', (event: KeyboardEvent) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.repeat) return
    if (isBusy(event.target)) return
    if (take(event.key.length === 1 ? event.key.toUpperCase() : event.key)) event.preventDefault()
  })
}

function isBusy(target: EventTarget | null): boolean {
  if (document.querySelector('[role="dialog"][data-state="open"], [role="menu"][data-state="open"], [role="listbox"][data-state="open"]')) return true
  return target instanceof HTMLElement && (target.isContentEditable || ['INPUT', 'TEXTAREA', 'SELECT'].includes(target.tagName))
}
