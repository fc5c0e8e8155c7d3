import { geoNaturalEarth1, geoPath } from 'd3-geo'
import { feature } from 'topojson-client'
import type { GeometryCollection, Topology } from 'topojson-specification'
import topology from 'world-atlas/countries-110m.json'
import { kAlpha2 } from './country-codes'

/// Natural Earth's countries as SVG paths, each with its ISO 3166 alpha-2 code ('' where it has none).
export const kMapWidth = 640
export const kMapHeight = 320

const atlas = topology as unknown as Topology<{ countries: GeometryCollection<{ name: string }> }>
const land = feature(atlas, atlas.objects.countries)
const kAntarctica = '010'
land.features = land.features.filter(country => country.id !== kAntarctica)

const projection = geoNaturalEarth1().fitExtent([[2, 2], [kMapWidth - 2, kMapHeight - 2]], land)
const path = geoPath(projection).digits(1)

export const kShapes = land.features.map((country, i) => ({
  key: `${country.id ?? country.properties.name}${i}`,
  code: kAlpha2[String(country.id)] ?? (country.properties.name === 'Kosovo' ? 'XK' : ''),
  path: path(country) ?? '',
}))

/// Places too small for this map's scale, by longitude and latitude: a dot each, where visitors came from.
const kSmall: Record<string, [number, number]> = {
  SG: [103.8, 1.4], HK: [114.2, 22.3], MO: [113.5, 22.2], MT: [14.4, 35.9], BH: [50.5, 26], MU: [57.5, -20.2], MV: [73.5, 3.2], SC: [55.5, -4.6], RE: [55.5, -21.1],
  LI: [9.5, 47.1], AD: [1.6, 42.5], MC: [7.4, 43.7], SM: [12.4, 43.9], VA: [12.5, 41.9], GI: [-5.3, 36.1], JE: [-2.1, 49.2], GG: [-2.6, 49.5], IM: [-4.5, 54.2], FO: [-6.9, 62],
  BB: [-59.5, 13.2], KY: [-81.3, 19.3], BM: [-64.8, 32.3], CV: [-23.6, 15.1], GP: [-61.5, 16.2], MQ: [-61, 14.6], CW: [-69, 12.2], AW: [-70, 12.5], GF: [-53, 4], PF: [-149.4, -17.6], GU: [144.8, 13.4], LC: [-61, 13.9], GD: [-61.7, 12.1], AG: [-61.8, 17.1], KM: [43.3, -11.7], ST: [6.6, 0.2], WS: [-172, -13.8], TO: [-175.2, -21.2],
}

export const kDots = Object.entries(kSmall).map(([code, place]) => ({ code, at: projection(place) ?? [0, 0] }))
