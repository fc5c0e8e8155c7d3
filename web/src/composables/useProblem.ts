import { ref, shallowRef } from 'vue'
import { ApiError } from '@/api/client'
import { unclaimed } from '@/api/problem'

/// Runs what a form sends, and keeps what the server says against it: per field, and in general. `shown` names the fields that
/// show what is against them; whatever is against another one is said in general, so that no refusal is silent.
export function useProblem(shown: () => string[] = () => []) {
  const problem = ref<ApiError>()
  const sent = shallowRef<unknown>()
  const busy = ref(false)

  /// `body` is what `work` sends, so that entries of its lists can be called by their names.
  async function attempt<T>(work: () => Promise<T>, body?: unknown): Promise<T | undefined> {
    busy.value = true
    problem.value = undefined
    sent.value = body
    try { return await work() }
    catch (error) {
      problem.value = error instanceof ApiError ? error : new ApiError({ status: 0, detail: String(error) })
      return undefined
    }
    finally { busy.value = false }
  }

  /// The message under one field.
  const field = (name: string) => problem.value?.forField(name, sent.value)
  /// The message for the form as a whole: of what no field shows.
  function general(): string | undefined {
    if (!problem.value) return undefined
    return problem.value.fields.length ? unclaimed(problem.value.fields, shown(), sent.value) : problem.value.message
  }
  return { problem, busy, attempt, field, general }
}
