const kDayMs = 86_400_000

/// Whether changing the retention from `before` to `after` days deletes what is kept now; null is for ever.
export function shrinks(before: number | null, after: number | null): boolean {
  return after !== null && (before === null || after < before)
}

/// The moment from which on rows are kept, as the server reckons it: so many times 24 hours ago.
export function keptSince(days: number, now = new Date()): Date {
  return new Date(now.getTime() - days * kDayMs)
}
