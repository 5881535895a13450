import { readdirSync, readFileSync } from 'node:fs'
import { extname, join, relative } from 'node:path'
import type { Express, RequestHandler, Response } from 'express'
import { contentSecurityPolicy } from 'helmet'
import { ProblemError } from './problem.ts'

/** Where the pages are built to (web/vite.config.ts). */
const BUILT = join(import.meta.dirname, '../../../web/dist')
const A_YEAR_SECONDS = 31_536_000

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
}

/** A page is its own files and our own answers: nothing inline, nothing from elsewhere, in nobody's frame. */
const policy = contentSecurityPolicy({
  // Not helmet's defaults: they upgrade to https, which a demo on plain http does not answer.
  useDefaults: false,
  directives: {
    defaultSrc: ["'none'"],
    scriptSrc: ["'self'"],
    styleSrc: ["'self'"],
    imgSrc: ["'self'"],
    connectSrc: ["'self'"],
    formAction: ["'none'"],
    frameAncestors: ["'none'"],
    baseUri: ["'none'"],
  },
})

/**
 * Serves a built page at / and what it is made of at /assets, all of it from memory: some 100 KB. A checkout in which
 * nothing was built has no page, and everything else.
 */
export function servePage(app: Express, name: 'shop' | 'control-room'): void {
  const files = readBuilt()
  const index = files.get(`${name}/index.html`)
  if (!index) return
  // Names of assets carry the hash of what is in them; the index says which are of today.
  app.get('/', policy, (_req, res) => send(res, '.html', index, 'no-cache'))
  app.get('/assets/:name', asset(files))
}

function asset(files: Map<string, Buffer>): RequestHandler<{ name: string }> {
  return (req, res) => {
    const path = `assets/${req.params.name}`
    const found = files.get(path)
    if (!found)
      throw new ProblemError('NOT_FOUND', 'There is no such file; look at the page again, it names those of today.')
    send(res, extname(path), found, `public, max-age=${A_YEAR_SECONDS}, immutable`)
  }
}

function send(res: Response, extension: string, content: Buffer, cacheControl: string): void {
  res
    .set({ 'Content-Type': TYPES[extension] ?? 'application/octet-stream', 'Cache-Control': cacheControl })
    .send(content)
}

/** By their path in the folder, with / on every system. */
function readBuilt(): Map<string, Buffer> {
  try {
    const entries = readdirSync(BUILT, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
    const paths = entries.map((entry) => join(entry.parentPath, entry.name))
    return new Map(paths.map((path) => [relative(BUILT, path).replaceAll('\\', '/'), readFileSync(path)]))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    return new Map()
  }
}
