import { expect } from 'vitest'
import { Problem } from '../../core/contracts/http.ts'
import { type ProblemCode, problems } from '../../core/contracts/problems.ts'
import type { Answer } from './http-client.ts'

/** What tells strangers how we are built: frames of a stack, files, names of libraries and of their errors. */
const INSIDE =
  /\n\s+at |node_modules|node:internal|file:\/\/|\.(ts|js|lua):\d|\b(Type|Syntax|Range|Reference)Error\b|prisma|ioredis|ECONN|ReplyError/i

/** A refusal as every one has to be: its code, that code's status, a problem document, and nothing of our inside. */
export function expectRefused(answer: Pick<Answer, 'status' | 'headers' | 'text'>, code: ProblemCode): void {
  expect({ status: answer.status, text: answer.text }, answer.text).toEqual({
    status: problems[code].status,
    text: expect.stringContaining(`"${code}"`) as unknown,
  })
  expectProblem(answer)
}

/** A problem document of a known code, whichever it is. */
export function expectProblem({ status, headers, text }: Pick<Answer, 'status' | 'headers' | 'text'>): void {
  expect(headers.get('content-type')).toBe('application/problem+json; charset=utf-8')
  const problem = Problem.parse(JSON.parse(text))
  expect(problem.status).toBe(status)
  expect(problems[problem.code].status).toBe(status)
  expect(text).not.toMatch(INSIDE)
  if (problem.retryAfterSeconds !== undefined)
    expect(headers.get('retry-after')).toBe(String(Math.ceil(problem.retryAfterSeconds)))
  expectSecured(headers)
}

export function expectSecured(headers: Headers): void {
  expect(headers.get('x-content-type-options')).toBe('nosniff')
  expect(headers.get('content-security-policy')).toContain("default-src 'self'")
  expect(headers.get('x-powered-by')).toBeNull()
}
