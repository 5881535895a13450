import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, expect, test } from 'vitest'
import { runLoad } from './run-load.ts'

const tokenOf = (buyer: number) => `token-${buyer}`
const closers: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

/** @returns its URL, and the tokens that it has seen */
async function startServer(answer: (res: ServerResponse, request: number) => void) {
  const tokens: (string | undefined)[] = []
  const server = createServer((req, res) => {
    if (req.method === 'GET') return void res.end()
    tokens.push(req.headers.authorization)
    req.resume().once('end', () => answer(res, tokens.length))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  closers.push(() => server[Symbol.asyncDispose]())
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/buy`, tokens }
}

test('each request has the token of another buyer, and the next run goes on with new ones', async () => {
  const { url, tokens } = await startServer((res) => res.writeHead(202).end('{}'))
  const plan = { url, seconds: 0.2, connections: 4, firstBuyer: 7 }
  const { result } = await runLoad(plan, tokenOf)
  expect(result.failures).toEqual([])
  expect(new Set(tokens).size).toBe(tokens.length)
  expect(tokens).toContain('Bearer token-7')
  expect(result).toMatchObject({ nextBuyer: 7 + tokens.length, outcomes: { accepted: tokens.length, other: 0 } })
})

test('in the open model a stall of the server is paid for by every buyer who came meanwhile', async () => {
  const stallMs = 1_000
  const { url, tokens } = await startServer((res, request) => {
    const answer = () => res.writeHead(409).end()
    if (request > 1) answer()
    else void delay(stallMs).then(answer)
  })
  const plan = { url, seconds: 0.5, connections: 1, ratePerSecond: 200, firstBuyer: 0 }
  const { result } = await runLoad(plan, tokenOf)
  expect(tokens, 'all that were due are sent').toHaveLength(100)
  expect(result.outcomes.soldOut).toBe(100)
  // Half of them were due in the first 250 ms, and none can have been answered before the stall was over.
  expect(result.latencyMs.p50).toBeGreaterThan(stallMs - 300)
})

test('in the open model every connection is there before the first buyer is due', async () => {
  const connections = 50
  let [opened, openedBefore] = [0, 0]
  const server = createServer((req, res) => {
    if (req.method === 'POST' && openedBefore === 0) openedBefore = opened
    req.resume().once('end', () => res.writeHead(req.method === 'GET' ? 404 : 202).end('{}'))
  }).listen(0, '127.0.0.1')
  server.on('connection', () => (opened += 1))
  await once(server, 'listening')
  closers.push(() => server[Symbol.asyncDispose]())
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/buy`
  const { result } = await runLoad({ url, seconds: 0.2, connections, ratePerSecond: 100, firstBuyer: 0 }, tokenOf)
  expect(result).toMatchObject({ failures: [], outcomes: { accepted: 20 } })
  expect([openedBefore, opened]).toEqual([connections, connections])
})

test('a request without an answer is a failure, and no outcome', async () => {
  const { url } = await startServer((res) => res.destroy())
  const { result } = await runLoad({ url, seconds: 0.1, connections: 1, firstBuyer: 0 }, tokenOf)
  expect(result.failures.length).toBeGreaterThan(0)
  expect(Object.values(result.outcomes).every((count) => count === 0)).toBe(true)
})
