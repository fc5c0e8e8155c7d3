import { expect, it } from 'vitest'
import { bucketText } from './chart-option'

it('a bucket is told with both values and what happened then', () => {
  const input = {
    series: [{ label: '2026-11-18', value: 760, unfinished: false }, { label: '2026-11-19', value: null, unfinished: true }], compared: [{ label: '2026-10-21', value: 12 }],
    interval: 'day' as const, unit: 'count' as const, marks: [{ index: 0, texts: ['Version 2'] }],
  }
  expect(bucketText(input, 0)).toBe('Wed, Nov 18, 2026: 760; compared with Wed, Oct 21, 2026: 12; Version 2')
  expect(bucketText(input, 1)).toBe('Thu, Nov 19, 2026 (so far): –')
  expect(bucketText(input, 9)).toBe('')
})
