import { useMutationObserver } from '@vueuse/core'
import { ref } from 'vue'

const kNames = ['chart-line', 'chart-fill', 'chart-compare', 'chart-grid', 'chart-text', 'ui-bg'] as const
export type Colours = Record<typeof kNames[number], string>

function read(): Colours {
  const style = getComputedStyle(document.documentElement)
  return Object.fromEntries(kNames.map(name => [name, asRgb(style.getPropertyValue(`--${name}`).trim())])) as Colours
}

/// ECharts computes with colours and does not know oklch(): a pixel tells what the browser makes of one.
function asRgb(colour: string): string {
  const pen = document.createElement('canvas').getContext('2d', { willReadFrequently: true })
  if (!pen) return colour
  pen.fillStyle = colour
  pen.fillRect(0, 0, 1, 1)
  const [red, green, blue, alpha] = pen.getImageData(0, 0, 1, 1).data
  return `rgba(${red},${green},${blue},${((alpha ?? 255) / 255).toFixed(3)})`
}

/// The theme's colours for drawings that cannot use CSS variables; they follow the colour scheme.
export function useColours() {
  const colours = ref(read())
  useMutationObserver(document.documentElement, () => { colours.value = read() }, { attributes: true, attributeFilter: ['class'] })
  return colours
}
