import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { preparedProblem, sendProblem } from './problem.ts'
import { PRIVATE_HEADERS } from './security-headers.ts'

const DETAIL = 'Wait – "a moment".'
const prepared = preparedProblem('RATE_LIMITED', DETAIL, PRIVATE_HEADERS)
const answers: Record<string, (res: ServerResponse) => void> = {
  '/sent': (res) => sendProblem(res, 'RATE_LIMITED', DETAIL, {}, PRIVATE_HEADERS),
  '/prepared': (res) => prepared(res),
  '/sent-with-time': (res) => sendProblem(res, 'RATE_LIMITED', DETAIL, { retryAfterSeconds: 1.25 }, PRIVATE_HEADERS),
  '/prepared-with-time': (res) => prepared(res, 1.25),
}
const server = createServer((req, res) => answers[req.url ?? '']?.(res))
beforeAll(async () => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
})
afterAll(() => server[Symbol.asyncDispose]())

async function answerAt(path: string) {
  const answer = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`)
  const { date, ...headers } = Object.fromEntries(answer.headers)
  expect(date).toBeDefined()
  return { status: answer.status, headers, text: await answer.text() }
}

test.each(['', '-with-time'])('a prepared problem%s is the one that is sent otherwise, to the byte', async (which) => {
  const sent = await answerAt(`/sent${which}`)
  expect(sent).toMatchObject({ status: 429, headers: { 'cache-control': 'no-store' } })
  expect(sent.headers['retry-after']).toBe(which === '' ? undefined : '2')
  expect(await answerAt(`/prepared${which}`)).toEqual(sent)
})
