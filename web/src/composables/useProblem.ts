import { ref } from 'vue'
import { ApiError } from '@/api/client'

/// Runs what a form sends, and keeps what the server says against it: per field, and in general.
export function useProblem() {
  const problem = ref<ApiError>()
  const busy = ref(false)

  async function attempt<T>(work: () => Promise<T>): Promise<T | undefined> {
    busy.value = true
    problem.value = undefined
    try { return await work() }
    catch (error) {
      problem.value = error instanceof ApiError ? error : new ApiError({ status: 0, detail: String(error) })
      return undefined
    }
    finally { busy.value = false }
  }

  /// The message under one field.
  const field = (name: string) => problem.value?.forField(name)
  /// The message for the form as a whole, when no field carries it.
  const general = () => problem.value && !problem.value.fields.length ? problem.value.message : undefined
  return { problem, busy, attempt, field, general }
}
