import type { RequestHandler } from 'express'

/** Why a service is not ready: a code for programs, and a sentence for people that ends with what to do. */
export interface Problem {
  code: string
  detail: string
  /** The problem is shown, but the service stays ready, because it can do most of its work. */
  staysReady?: true
}

/** `false` is short for "does not answer". */
export type CheckResult = boolean | Problem

/** Checks of what a service needs to do its work, by name. */
export type Checks = Record<string, () => CheckResult | Promise<CheckResult>>

export interface NamedProblem extends Problem {
  check: string
}

/**
 * GET /readyz: 200, or 503 when a problem without `staysReady` exists. The body is `{ ready, <check>: boolean, …,
 * problems }`.
 */
export function readiness(checks: Checks): RequestHandler {
  return async (_req, res) => {
    const names = Object.keys(checks)
    const results = await Promise.all(Object.entries(checks).map(([name, check]) => resultOf(name, check)))
    const problems = results.filter((result) => result !== undefined)
    const failing = new Set(problems.map(({ check }) => check))
    const states = Object.fromEntries(names.map((name) => [name, !failing.has(name)]))
    const ready = problems.every(({ staysReady }) => staysReady)
    res.status(ready ? 200 : 503).json({ ready, ...states, problems })
  }
}

async function resultOf(name: string, check: Checks[string]): Promise<NamedProblem | undefined> {
  const result = await Promise.resolve()
    .then(check)
    .catch((error: Error) => ({ code: 'CHECK_FAILED', detail: error.message }))
  if (result === true) return undefined
  return { check: name, ...(result || { code: 'AWAY', detail: `The ${name} does not answer.` }) }
}
