import { expect, it } from 'vitest'
import { embedCode } from './embed'

it('a shared dashboard is embedded without its bar', () => {
  expect(embedCode('https://stats.example/share/abc', 'a"b<c&d')).toBe('<iframe src="https://stats.example/share/abc?embed=1" title="Visits of a&quot;b&lt;c&amp;d" loading="lazy" style="width: 100%; height: 1600px; border: 0"></iframe>')
})
