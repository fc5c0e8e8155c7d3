import { expect, it } from 'vitest'
import { inListOrder, movePin, togglePin } from './pins'

it('a pin is put at the end and let go from anywhere', () => {
  expect(togglePin(['a', 'b'], 'c')).toEqual(['a', 'b', 'c'])
  expect(togglePin(['a', 'b', 'c'], 'b')).toEqual(['a', 'c'])
})

it('a pin moves by one place and never off the end', () => {
  expect(movePin(['a', 'b', 'c'], 'b', -1)).toEqual(['b', 'a', 'c'])
  expect(movePin(['a', 'b', 'c'], 'b', 1)).toEqual(['a', 'c', 'b'])
  expect(movePin(['a', 'b', 'c'], 'a', -1)).toEqual(['a', 'b', 'c'])
  expect(movePin(['a', 'b', 'c'], 'c', 1)).toEqual(['a', 'b', 'c'])
  expect(movePin(['a'], 'nobody', 1)).toEqual(['a'])
})

it('pinned sites come first in their order, the others by domain', () => {
  const site = (domain: string) => ({ id: domain, domain, pinned: false })
  const listed = inListOrder([site('a'), site('b'), site('c'), site('d')], ['d', 'b'])
  expect(listed.map(one => one.domain + (one.pinned ? '*' : ''))).toEqual(['d*', 'b*', 'a', 'c'])
})
