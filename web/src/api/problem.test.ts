import { describe, expect, it } from 'vitest'
import { ApiError } from './client'
import { useProblem } from '../composables/useProblem'

const kHost = 'Expected a host name.'
const refusal = new ApiError({
  status: 400, detail: 'Several settings are wrong.',
  errors: [{ field: '/hosts/1', message: kHost }, { field: '/hosts/2', message: kHost }, { field: '/excluded/networks/0', message: 'Expected a range.' }, { field: '/name', message: 'Too long.' }],
})

describe('a refused field', () => {
  it('is told what is wrong with it', () => {
    expect(refusal.forField('name')).toBe('Too long.')
    expect(refusal.forField('/name')).toBe('Too long.')
    expect(refusal.forField('domain')).toBeUndefined()
  })
  it('that is a list names its wrong entries as they were sent', () => {
    expect(refusal.forField('hosts', { hosts: ['ok.example', 'b ad', 'x!!'] })).toBe(`“b ad”, “x!!”: ${kHost}`)
    expect(refusal.forField('excluded/networks', { excluded: { networks: ['x'] } })).toBe('“x”: Expected a range.')
  })
  it('that is a list counts its entries where it is not known what was sent', () => expect(refusal.forField('hosts')).toBe(`Entry 2, Entry 3: ${kHost}`))
  it('is not one that only begins alike', () => expect(refusal.forField('host')).toBeUndefined())
})

describe('a form', () => {
  const refused = async (shown: string[], error: unknown, sent?: unknown) => {
    const problem = useProblem(() => shown)
    await problem.attempt(() => Promise.reject(error), sent)
    return problem
  }
  it('shows what no field of it shows', async () => {
    const { general, field } = await refused(['hosts', 'name'], refusal, { excluded: { networks: ['x'] } })
    expect(field('name')).toBe('Too long.')
    expect(general()).toBe('Networks: “x”: Expected a range.')
  })
  it('is silent as a whole when fields say everything', async () => expect((await refused(['hosts', 'name', 'excluded'], refusal)).general()).toBeUndefined())
  it('says what is against no field at all', async () => {
    expect((await refused(['name'], new ApiError({ status: 409, detail: 'Taken.' }))).general()).toBe('Taken.')
    expect((await refused(['name'], new TypeError('a fault of ours'))).general()).toContain('a fault of ours')
  })
})

it('people are shown no JSON pointers', () => {
  const message = 'Is not a regular expression: missing ): ('
  expect(new ApiError({ status: 400, detail: `/filters/0/2/0: ${message}`, errors: [{ field: '/filters/0/2/0', message }] }).message).toBe(message)
  expect(new ApiError({ status: 400, detail: '/admin: is taken.' }).message).toBe('/admin: is taken.')
})
