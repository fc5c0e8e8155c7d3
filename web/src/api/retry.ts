import { ApiError } from './client'

const kRetries = 2
/// Whoever is told to come back later than in so many seconds is told so, and decides for themselves.
const kWaitMaxSeconds = 5

/// Whether a failed question is asked again by itself: the server could not be reached, or is full or busy for a moment.
export function isWorthRetrying(failures: number, error: unknown): boolean {
  if (failures >= kRetries || !(error instanceof ApiError)) return false
  return error.status === 0 || (error.status === 503 && error.retryAfter <= kWaitMaxSeconds)
}

/// How long to wait before that, in milliseconds: as the server says, else longer each time.
export function retryDelay(failures: number, error: unknown): number {
  return error instanceof ApiError && error.retryAfter > 0 ? error.retryAfter * 1000 : 1000 * 2 ** failures
}
