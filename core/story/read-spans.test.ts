import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { traceIdOf } from '../contracts/trace-context.ts'
import { addSpans } from './read-spans.ts'

const TRACED = { reservationId: 'sale.EREREREREREREREREREREQ', orderId: null, saleId: 'sale', buyerId: 'b', steps: [] }
const OTHER = { ...TRACED, reservationId: 'sale.IiIiIiIiIiIiIiIiIiIiIg' }
const BROKEN = { ...TRACED, reservationId: 'sale.broken' }

const TRACE = traceIdOf(TRACED.reservationId)

const ANSWER = {
  data: [
    {
      traceID: TRACE,
      spans: [
        {
          spanID: 'c3',
          operationName: 'process x by y',
          references: [{ refType: 'CHILD_OF', traceID: TRACE, spanID: 'b2' }],
          startTime: 3_000_000,
          duration: 2_000,
          processID: 'p2',
        },
        {
          spanID: 'd4',
          operationName: 'process z',
          // A batch of another trace, and a parent that was not exported.
          references: [
            { refType: 'CHILD_OF', traceID: TRACE, spanID: 'ff' },
            { refType: 'FOLLOWS_FROM', traceID: 'e'.repeat(32), spanID: 'a1' },
          ],
          startTime: 4_000_000,
          duration: 0,
          processID: 'p2',
        },
        {
          spanID: 'b2',
          operationName: 'process x',
          references: [{ refType: 'CHILD_OF', traceID: TRACE, spanID: 'a1' }],
          startTime: 2_000_500,
          duration: 30_000,
          processID: 'p2',
          tags: [{ key: 'error', value: true }],
        },
        {
          spanID: 'e5',
          operationName: 'POST /y',
          references: [{ refType: 'CHILD_OF', traceID: TRACE, spanID: 'a1' }],
          startTime: 2_500_000,
          duration: 500,
          processID: 'p1',
        },
        {
          spanID: 'a1',
          operationName: 'POST /x',
          startTime: 1_000_000,
          duration: 1_500,
          processID: 'p1',
          tags: [],
          logs: [],
        },
      ],
      processes: { p1: { serviceName: 'gateway', tags: [] }, p2: { serviceName: 'subscribers' } },
    },
  ],
}

/** Answers as Jaeger's query service does. */
const jaeger = createServer((req, res) => {
  const found = req.url === `/api/traces/${TRACE}`
  const missing = req.url === `/api/traces/${traceIdOf(OTHER.reservationId)}`
  res.writeHead(found ? 200 : missing ? 404 : 500).end(JSON.stringify(found ? ANSWER : { errors: [{ code: 404 }] }))
})
let url: string
beforeAll(async () => {
  await new Promise<void>((resolve) => jaeger.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(jaeger.address() as AddressInfo).port}`
})
afterAll(() => {
  jaeger.closeAllConnections()
  jaeger.close()
})

test('a story has the spans of its trace, each under its parent, and none when it was not sampled', async () => {
  expect(await addSpans([TRACED, OTHER], url)).toEqual([
    {
      ...TRACED,
      trace: {
        id: TRACE,
        spans: [
          { at: '1970-01-01T00:00:01.000Z', ms: 1.5, service: 'gateway', name: 'POST /x', failed: false, depth: 0 },
          { at: '1970-01-01T00:00:02.000Z', ms: 30, service: 'subscribers', name: 'process x', failed: true, depth: 1 },
          {
            at: '1970-01-01T00:00:03.000Z',
            ms: 2,
            service: 'subscribers',
            name: 'process x by y',
            failed: false,
            depth: 2,
          },
          { at: '1970-01-01T00:00:02.500Z', ms: 0.5, service: 'gateway', name: 'POST /y', failed: false, depth: 1 },
          { at: '1970-01-01T00:00:04.000Z', ms: 0, service: 'subscribers', name: 'process z', failed: false, depth: 0 },
        ],
      },
    },
    OTHER,
  ])
})

test('a store that fails is an error, not a story without spans', async () => {
  await expect(addSpans([BROKEN], url)).rejects.toThrow('answered 500')
})
