import { describe, expect, it } from 'vitest'
import topology from 'world-atlas/countries-110m.json'
import { kAlpha2, kCountries } from './country-codes'

/// A code that ISO has withdrawn has another one in its place: DD is DE.
const isCurrent = (code: string) => new Intl.Locale(`und-${code}`).region === code
const named = new Intl.DisplayNames(['en'], { type: 'region', fallback: 'none' })

describe('countries', () => {
  it('of the map have codes that ISO 3166-1 has today', () => {
    for (const code of Object.values(kAlpha2)) expect([code, kCountries.includes(code), isCurrent(code)]).toEqual([code, true, true])
    expect(new Set(Object.values(kAlpha2)).size).toBe(Object.keys(kAlpha2).length)
  })
  it('of the map are those that it calls so', () => {
    const shapes = new Map(topology.objects.countries.geometries.map(({ id, properties }) => [properties.name, id === undefined ? undefined : kAlpha2[id]]))
    expect(Object.fromEntries(['Germany', 'Serbia', 'Vietnam', 'Zimbabwe', 'Yemen', 'Vanuatu'].map(name => [name, shapes.get(name)])))
      .toEqual({ Germany: 'DE', Serbia: 'RS', Vietnam: 'VN', Zimbabwe: 'ZW', Yemen: 'YE', Vanuatu: 'VU' })
  })
  it('to choose from are all of them, each once, with a name', () => {
    expect(kCountries).toHaveLength(250)
    expect(new Set(kCountries).size).toBe(250)
    for (const code of kCountries) expect([code, isCurrent(code), Boolean(named.of(code))]).toEqual([code, true, true])
    expect(kCountries).toEqual(expect.arrayContaining(['DE', 'LI', 'MC', 'AD', 'BH', 'SG', 'HK', 'MT', 'XK']))
  })
})
