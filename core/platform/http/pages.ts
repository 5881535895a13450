import { readdirSync, readFileSync } from 'node:fs'
import { extname, join, relative } from 'node:path'
import type { Express, RequestHandler, Response } from 'express'
import { ProblemError } from './problem.ts'
import { pageHeaders } from './security-headers.ts'

/** Output folder of web/vite.config.ts. */
const BUILT = join(import.meta.dirname, '../../../web/dist')
const A_YEAR_SECONDS = 31_536_000

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
}

/** A page loads only its own files and our own answers: nothing inline, no other origin, no framing. */
const headers = pageHeaders({
  defaultSrc: ["'none'"],
  scriptSrc: ["'self'"],
  styleSrc: ["'self'"],
  imgSrc: ["'self'"],
  connectSrc: ["'self'"],
  formAction: ["'none'"],
  frameAncestors: ["'none'"],
  baseUri: ["'none'"],
})

/** Serves a built page at / and its files at /assets from memory (about 100 KB). Without a build there is no page. */
export function servePage(app: Express, name: 'shop' | 'control-room'): void {
  const files = readBuilt()
  const index = files.get(`${name}/index.html`)
  if (!index) return
  // Asset names carry a content hash and are cached for a year; the index names the current ones.
  app.get('/', headers, (_req, res) => send(res, '.html', index, 'no-cache'))
  app.get('/assets/:name', asset(files))
}

function asset(files: Map<string, Buffer>): RequestHandler<{ name: string }> {
  return (req, res) => {
    const path = `assets/${req.params.name}`
    const found = files.get(path)
    if (!found)
      throw new ProblemError('NOT_FOUND', 'There is no such file; reload the page, which names the current files.')
    send(res, extname(path), found, `public, max-age=${A_YEAR_SECONDS}, immutable`)
  }
}

function send(res: Response, extension: string, content: Buffer, cacheControl: string): void {
  res
    .set({ 'Content-Type': TYPES[extension] ?? 'application/octet-stream', 'Cache-Control': cacheControl })
    .send(content)
}

/** File contents by relative path, with / as separator on every system. */
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
