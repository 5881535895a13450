import type { RequestHandler } from 'express'
import { bearerOnly } from './bearer-only.ts'
import { ProblemError } from './problem.ts'

/** Who may read /metrics: the holder of METRICS_TOKEN; without one, anybody in a trial, and nobody in production. */
export function metricsAccess({
  NODE_ENV,
  METRICS_TOKEN,
}: {
  NODE_ENV: string
  METRICS_TOKEN?: string | undefined
}): RequestHandler {
  if (METRICS_TOKEN !== undefined) return bearerOnly(METRICS_TOKEN, 'metrics')
  if (NODE_ENV !== 'production') return (_req, _res, next) => next()
  return () => {
    throw new ProblemError(
      'UNAUTHENTICATED',
      'In production the figures need a token: set METRICS_TOKEN for every service.',
    )
  }
}
