import { join } from 'node:path'
import { defineConfig } from 'vite'
import { BRAND } from '../core/contracts/brand.ts'

const page = (name: string) => join(import.meta.dirname, name, 'index.html')

export default defineConfig({
  root: import.meta.dirname,
  plugins: [{ name: 'brand', transformIndexHtml: (html) => html.replace('%BRAND%', BRAND.en) }],
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    // Those that know light-dark(), which the theme is made of: May 2024 and later.
    target: ['chrome123', 'firefox120', 'safari17.5'],
    // The pages' policy (CSP) refuses data: URLs, so nothing is inlined.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: { input: { shop: page('shop'), 'control-room': page('control-room') } },
  },
})
