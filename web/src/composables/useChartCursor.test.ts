import { describe, expect, it } from 'vitest'
import { useChartCursor } from './useChartCursor'

function cursorOf({ count = 5, opens = true } = {}) {
  const done: string[] = []
  const cursor = useChartCursor({ count: () => count, opens: () => opens, show: index => done.push(`show ${index}`), hide: () => done.push('hide'), choose: index => done.push(`choose ${index}`) })
  return { cursor, done }
}

describe('a finger', () => {
  it('sees the values first and opens with the second touch', () => {
    const { cursor, done } = cursorOf()
    cursor.press(2, 'touch')
    expect(done).toEqual(['show 2'])
    cursor.press(2, 'touch')
    expect(done).toEqual(['show 2', 'hide', 'choose 2'])
    cursor.press(2, 'touch')
    expect(done.at(-1)).toBe('show 2')
  })
  it('on another bucket sees that one', () => {
    const { cursor, done } = cursorOf()
    cursor.press(2, 'touch')
    cursor.press(3, 'touch')
    expect(done).toEqual(['show 2', 'show 3'])
  })
  it('begins anew after the values were put away', () => {
    const { cursor, done } = cursorOf()
    cursor.press(2, 'touch')
    cursor.hide()
    cursor.press(2, 'touch')
    expect(done).toEqual(['show 2', 'hide', 'show 2'])
  })
  it('only ever sees where nothing can be opened', () => {
    const { cursor, done } = cursorOf({ opens: false })
    cursor.press(1, 'touch')
    cursor.press(1, 'touch')
    expect(done).toEqual(['show 1', 'show 1'])
  })
})

it('a mouse has seen the values and opens at once; they do not stay behind', () => {
  const { cursor, done } = cursorOf()
  cursor.press(4, 'mouse')
  expect(done).toEqual(['hide', 'choose 4'])
  const still = cursorOf({ opens: false })
  still.cursor.press(4, 'mouse')
  expect(still.done).toEqual([])
})

describe('keys', () => {
  it('walk from the latest value, stop at the ends, open and leave', () => {
    const { cursor, done } = cursorOf({ count: 3 })
    const taken = ['ArrowLeft', 'ArrowLeft', 'ArrowLeft', 'ArrowLeft', 'End', 'ArrowRight', 'Home', 'Enter'].map(cursor.key)
    expect(taken.every(Boolean)).toBe(true)
    expect(done).toEqual(['show 2', 'show 1', 'show 0', 'show 0', 'show 2', 'show 2', 'show 0', 'hide', 'choose 0'])
    cursor.key('ArrowRight')
    expect(cursor.key('Escape')).toBe(true)
    expect(cursor.key('Escape')).toBe(false)
  })
  it('that mean nothing here are left to the page', () => {
    const { cursor } = cursorOf()
    expect(['Enter', 'Escape', 'd', 'Tab'].map(cursor.key)).toEqual([false, false, false, false])
    expect(cursorOf({ count: 0 }).cursor.key('ArrowLeft')).toBe(false)
    const closed = cursorOf({ opens: false }).cursor
    closed.key('Home')
    expect(closed.key('Enter')).toBe(false)
  })
})
