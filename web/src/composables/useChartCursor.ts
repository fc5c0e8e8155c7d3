import { ref } from 'vue'

export type Pointer = 'mouse' | 'touch' | 'pen' | 'key'

/// What the cursor does on the chart: `show` and `hide` the values of a bucket, `choose` it.
export interface CursorTarget {
  count: () => number
  /// Whether a bucket can be opened at all.
  opens: () => boolean
  show: (index: number) => void
  hide: () => void
  choose: (index: number) => void
}

/// The bucket that is pointed at. A mouse sees the values as it hovers, so its click opens; a finger's first touch
/// shows them and the second on the same bucket opens; arrow keys move and Enter opens. What opens hides the values.
export function useChartCursor(target: CursorTarget) {
  const at = ref<number>()
  let last: Pointer = 'mouse'

  function show(index: number) {
    at.value = index
    target.show(index)
  }
  function hide() {
    at.value = undefined
    target.hide()
  }
  function open(index: number) {
    hide()
    target.choose(index)
  }

  function press(index: number, by: Pointer) {
    const again = last === by && at.value === index
    last = by
    if (target.opens() && (by === 'mouse' || again)) open(index)
    else if (by !== 'mouse') show(index)
  }

  /// Whether the key was for the chart.
  function key(name: string): boolean {
    const end = target.count() - 1
    if (end < 0) return false
    const moved = steps(name, at.value, end)
    if (moved !== undefined) {
      last = 'key'
      show(moved)
      return true
    }
    if (at.value === undefined) return false
    if (name === 'Escape') { hide(); return true }
    if (name === 'Enter' && target.opens()) { open(at.value); return true }
    return false
  }

  return { at, press, key, hide }
}

function steps(key: string, at: number | undefined, last: number): number | undefined {
  switch (key) {
    case 'ArrowLeft': return Math.max(0, (at ?? last + 1) - 1)
    case 'ArrowRight': return Math.min(last, (at ?? last - 1) + 1)
    case 'Home': return 0
    case 'End': return last
    default: return undefined
  }
}
