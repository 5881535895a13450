import type { RequestHandler } from 'express'
import { bearerOnly } from './bearer-only.ts'
import { ProblemError } from './problem.ts'

/**
 * Guards /metrics by METRICS_TOKEN. While none is configured, /metrics is open in development and closed in production.
 */
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
      'In production /metrics needs a token: set METRICS_TOKEN for every service.',
    )
  }
}
