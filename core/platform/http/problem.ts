import type { ServerResponse } from 'node:http'
import type { z } from 'zod'
import { type Problem, type ProblemCode, problems } from '../../contracts/problems.ts'
import type { Logger } from '../process/log.ts'
import { isOutage } from '../stores/outage.ts'
import { traceFields } from '../tracing/trace-request.ts'

export const BODY_ADVICE = 'A body may have at most 16 KB.'

export type Extras = Partial<
  Pick<Problem, 'serverTime' | 'retryAfterSeconds' | 'errors' | 'reservation' | 'changes' | 'least'>
>

/** Thrown at the edge only: domain code returns outcomes and knows no HTTP. */
export class ProblemError extends Error {
  readonly code: ProblemCode
  readonly extras: Extras

  constructor(code: ProblemCode, detail: string, extras: Extras = {}) {
    super(detail)
    this.code = code
    this.extras = extras
  }
}

/** Answers with application/problem+json and, when the caller should retry, Retry-After in whole seconds. */
export function sendProblem(
  res: ServerResponse,
  code: ProblemCode,
  detail: string,
  extras: Extras = {},
  more: HeaderList = [],
): void {
  const body = problemOf(code, detail, extras)
  const headers = [...PROBLEM_TYPE, ...more]
  if (extras.retryAfterSeconds !== undefined) headers.push('Retry-After', String(Math.ceil(extras.retryAfterSeconds)))
  if (code === 'UNAUTHENTICATED') headers.push('WWW-Authenticate', 'Bearer')
  sendJson(res, body.status, body, headers)
}

/** As `sendProblem`, for refusals of a crowd: all but the time is written once. */
export function preparedProblem(
  code: ProblemCode,
  detail: string,
  more: HeaderList,
): (res: ServerResponse, retryAfterSeconds?: number) => void {
  const problem = problemOf(code, detail)
  const text = JSON.stringify(problem)
  const start = text.slice(0, -1)
  const headers = [...PROBLEM_TYPE, ...more]
  return (res, retryAfterSeconds) => {
    if (retryAfterSeconds === undefined) return sendText(res, problem.status, text, headers)
    const retryAfter = ['Retry-After', String(Math.ceil(retryAfterSeconds))]
    const timed = `${start},"retryAfterSeconds":${retryAfterSeconds}}`
    sendText(res, problem.status, timed, [...headers, ...retryAfter])
  }
}

export function problemOf(code: ProblemCode, detail: string, extras: Extras = {}): Problem {
  return { type: problemTypes[code], ...problems[code], code, detail, ...extras }
}

/** Flat: name, value, name, value, … */
export type HeaderList = readonly string[]

/**
 * Answers in one write, also in front of Express. Node copies a flat header list into the response without an object.
 */
export function sendJson(res: ServerResponse, status: number, body: object, headers: HeaderList): void {
  sendText(res, status, JSON.stringify(body), headers)
}

function sendText(res: ServerResponse, status: number, text: string, headers: HeaderList): void {
  res.writeHead(status, [...headers, 'Content-Length', String(Buffer.byteLength(text))])
  res.end(text)
}

const PROBLEM_TYPE: HeaderList = ['Content-Type', 'application/problem+json; charset=utf-8']

const problemTypes = Object.fromEntries(
  Object.keys(problems).map((code) => [code, `urn:seckill:problem:${code.toLowerCase().replaceAll('_', '-')}`]),
) as Record<ProblemCode, string>

/** @throws ProblemError INVALID_REQUEST that names every invalid field, 10 at most. */
export function parse<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const errors = parsed.error.issues
    .slice(0, 10)
    .map((issue) => ({ path: issue.path.join('.'), message: issue.message }))
  const summary = errors.map(({ path, message }) => (path ? `${path}: ${message}` : message)).join('; ')
  throw new ProblemError('INVALID_REQUEST', summary, { errors })
}

/** Answers with the problem document of a thrown error, and logs faults that are ours. */
export function sendFault(res: ServerResponse, error: unknown, log: Logger, more: HeaderList = []): void {
  const problem = (code: ProblemCode, detail: string, extras?: Extras) => sendProblem(res, code, detail, extras, more)
  if (error instanceof ProblemError) return problem(error.code, error.message, error.extras)
  const status = httpStatus(error)
  if (status === 413) return problem('TOO_LARGE', BODY_ADVICE)
  if (status === 415) return problem('UNSUPPORTED_MEDIA_TYPE', 'Send the body as application/json in UTF-8.')
  if (status >= 400 && status < 500)
    return problem('INVALID_REQUEST', 'The request could not be read; is the body JSON?')
  if (isOutage(error)) {
    log.warn({ err: error, ...traceFields(res) }, 'request refused: PostgreSQL, Redis or RabbitMQ is unavailable')
    return problem('UNAVAILABLE', 'This is unavailable right now; try again in a moment.', { retryAfterSeconds: 2 })
  }
  log.error({ err: error, ...traceFields(res) }, 'request failed')
  problem('INTERNAL', 'The fault is logged; please try again.', { retryAfterSeconds: 1 })
}

/** The status that Express and its body parsers set on their errors; 500 for every other error. */
function httpStatus(error: unknown): number {
  return typeof error === 'object' && error !== null && 'status' in error && typeof error.status === 'number'
    ? error.status
    : 500
}
