import { expect } from 'vitest'
import { Problem, type ProblemCode, problems } from '../../core/contracts/problems.ts'
import type { Answer } from './http-client.ts'

/** What would disclose internals: stack frames, file names, names of libraries and of their errors. */
const INTERNALS = new RegExp(
  String.raw`\n\s+at |node_modules|node:internal|file://|\.(ts|js|lua):\d|\b(Type|Syntax|Range|Reference)Error\b` +
    '|prisma|ioredis|ECONN|ReplyError',
  'i',
)

/** Expects a problem document with this code and its status, without internals. */
export function expectRefused(answer: Pick<Answer, 'status' | 'headers' | 'text'>, code: ProblemCode): void {
  expect({ status: answer.status, text: answer.text }, answer.text).toEqual({
    status: problems[code].status,
    text: expect.stringContaining(`"${code}"`) as unknown,
  })
  expectProblem(answer)
}

/** Expects a problem document with any known code. */
export function expectProblem({ status, headers, text }: Pick<Answer, 'status' | 'headers' | 'text'>): void {
  expect(headers.get('content-type')).toBe('application/problem+json; charset=utf-8')
  const problem = Problem.parse(JSON.parse(text))
  expect(problem.status).toBe(status)
  expect(problems[problem.code].status).toBe(status)
  expect(text).not.toMatch(INTERNALS)
  if (problem.retryAfterSeconds !== undefined)
    expect(headers.get('retry-after')).toBe(String(Math.ceil(problem.retryAfterSeconds)))
  expectSecured(headers)
}

export function expectSecured(headers: Headers): void {
  expect(headers.get('x-content-type-options')).toBe('nosniff')
  expect(headers.get('content-security-policy')).toMatch(/^default-src '(none|self)'/)
  expect(headers.get('x-powered-by')).toBeNull()
}
