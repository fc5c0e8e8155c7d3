/// A hint while somebody types; the server decides.
export interface PasswordHint { score: 0 | 1 | 2 | 3 | 4, text: string }

export const kShortestPassword = 8

export function passwordHint(password: string): PasswordHint {
  if (!password) return { score: 0, text: `At least ${kShortestPassword} characters. A few words in a row are easy to remember.` }
  if (password.length < kShortestPassword) return { score: 1, text: `${kShortestPassword - password.length} more to go.` }
  const kinds = [/[a-z]/, /[A-Z]/, /\d/, /[^a-zA-Z\d]/].filter(kind => kind.test(password)).length
  const distinct = new Set(password).size
  const points = password.length + 3 * (kinds - 1)
  if (distinct < 5 || /^(.+)\1+$/.test(password) || /^(password|qwerty|12345678|letmein)/i.test(password)) return { score: 1, text: 'Easily guessed.' }
  if (points < 14) return { score: 2, text: 'Fair. Longer is better.' }
  if (points < 20) return { score: 3, text: 'Good.' }
  return { score: 4, text: 'Strong.' }
}
