/// What the server says against one field of a body; `field` is a JSON pointer such as `/excluded/networks/0`.
export interface FieldError { field: string, message: string }

const bare = (field: string) => field.replace(/^\//, '')

/// Whether an error is about the field `name` or about an entry of it.
export function concerns(error: FieldError, name: string): boolean {
  const field = bare(error.field)
  return field === bare(name) || field.startsWith(`${bare(name)}/`)
}

/// What is said against a field in words, or nothing. Of a list, each wrong entry is named as it was `sent`; without that, by
/// its number.
export function fieldMessage(errors: FieldError[], name: string, sent?: unknown): string | undefined {
  const entries = new Map<string, string[]>()
  for (const error of errors.filter(candidate => concerns(candidate, name))) {
    const named = entries.get(error.message) ?? []
    const entry = entryName(bare(error.field), bare(name), sent)
    entries.set(error.message, entry ? [...named, entry] : named)
  }
  const parts = [...entries].map(([message, named]) => named.length ? `${named.join(', ')}: ${message}` : message)
  return parts.length ? parts.join(' ') : undefined
}

function entryName(field: string, name: string, sent: unknown): string | undefined {
  const rest = field.slice(name.length + 1)
  const index = /^\d+/.exec(rest)?.[0]
  if (index === undefined) return undefined
  const value = at(sent, `${name}/${index}`)
  return typeof value === 'string' && value ? `“${value}”` : `Entry ${Number(index) + 1}`
}

function at(body: unknown, field: string): unknown {
  return field.split('/').reduce<unknown>((value, key) => value !== null && typeof value === 'object' ? (value as Record<string, unknown>)[key] : undefined, body)
}

/// What is said against fields that are not among those `shown`, for the form as a whole.
export function unclaimed(errors: FieldError[], shown: string[], sent?: unknown): string | undefined {
  const names = [...new Set(errors.filter(error => !shown.some(name => concerns(error, name))).map(error => bare(error.field).replace(/(\/\d+)+$/, '')))]
  const parts = names.map(name => `${fieldWords(name)}${fieldMessage(errors, name, sent)}`)
  return parts.length ? parts.join(' ') : undefined
}

/// `collect/place` is `Place: `.
function fieldWords(name: string): string {
  const words = (name.split('/').findLast(part => !/^\d*$/.test(part)) ?? '').replace(/_/g, ' ')
  return words && `${words.charAt(0).toUpperCase()}${words.slice(1)}: `
}

/// The server's words without the JSON pointer that it puts before them for programs.
export function withoutPointer(detail: string, errors: FieldError[]): string {
  const pointer = errors.find(error => error.field && detail.startsWith(`${error.field}: `))
  return pointer ? detail.slice(pointer.field.length + 2) : detail
}
