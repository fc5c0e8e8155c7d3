import { fileURLToPath } from 'node:url'
import ui from '@nuxt/ui/vite'
import vue from '@vitejs/plugin-vue'
import { defineConfig } from 'vite'
import { brandIcons } from './build/brand-icons'
import { flagSprite } from './build/flag-sprite'
import { rekaParts } from './build/reka-parts'

const server = process.env.MAINSTAY_URL ?? 'http://127.0.0.1:8080'

export default defineConfig({
  plugins: [
    rekaParts(),
    vue(),
    ui({
      // The palette itself lives in src/theme.css.
      ui: { colors: { primary: 'brand', neutral: 'slate', success: 'emerald', warning: 'amber', error: 'rose', info: 'sky' } },
      // Icons are compiled in: nothing is ever fetched from an icon host.
      icon: { clientBundle: { scan: { globInclude: ['src/**/*.{vue,ts}'] }, sizeLimitKb: 64 } },
      autoImport: false,
    } as Parameters<typeof ui>[0]),
    brandIcons(),
    flagSprite(),
  ],
  resolve: { alias: { '@': fileURLToPath(new URL('./src', import.meta.url)) } },
  build: {
    target: 'es2022',
    assetsInlineLimit: 0,
    reportCompressedSize: false,
    chunkSizeWarningLimit: 800,
  },
  server: { proxy: { '/api': { target: server, changeOrigin: false } } },
  preview: { proxy: { '/api': { target: server, changeOrigin: false } } },
})
