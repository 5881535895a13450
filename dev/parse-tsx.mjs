// node --import ./dev/parse-tsx.mjs …: lets dependency-cruiser read .tsx. It asks swc for TypeScript, and never for
// JSX.
import { createRequire } from 'node:module'

const swc = createRequire(import.meta.url)('@swc/core')
const { parseFileSync } = swc
swc.parseFileSync = (path, options, ...rest) => parseFileSync(path, { ...options, tsx: path.endsWith('.tsx') }, ...rest)
