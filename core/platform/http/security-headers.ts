import type { RequestHandler } from 'express'
import helmet from 'helmet'
import type { HeaderList } from './problem.ts'

/**
 * Of every answer: what OWASP's REST cheat sheet asks for where no page is shown. All of helmet's 13 headers cost a
 * refusal a tenth of its CPU.
 */
export const API_HEADERS: HeaderList = [
  'Content-Security-Policy',
  "default-src 'none';frame-ancestors 'none'",
  'Strict-Transport-Security',
  'max-age=31536000; includeSubDomains',
  'X-Content-Type-Options',
  'nosniff',
]

/** Of an answer in front of Express, which is for this client and this moment only. */
export const PRIVATE_HEADERS: HeaderList = ['Cache-Control', 'no-store', ...API_HEADERS]

export const apiHeaders: RequestHandler = (_req, res, next) => {
  API_HEADERS.forEach((name, i) => {
    if (i % 2 === 0) res.setHeader(name, API_HEADERS[i + 1] ?? '')
  })
  next()
}

/** For a page: all of helmet's headers, with what this page may load. */
export const pageHeaders = (directives: Record<string, string[]>): RequestHandler =>
  // Without helmet's default directives: they upgrade to HTTPS, which breaks plain HTTP on a laptop.
  helmet({ contentSecurityPolicy: { useDefaults: false, directives } })
