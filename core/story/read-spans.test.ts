import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { traceIdOf } from '../contracts/trace-context.ts'
import { addSpans } from './read-spans.ts'

const TRACED = { reservationId: 'sale.EREREREREREREREREREREQ', orderId: null, saleId: 'sale', buyerId: 'b', steps: [] }
const OTHER = { ...TRACED, reservationId: 'sale.IiIiIiIiIiIiIiIiIiIiIg' }
const BROKEN = { ...TRACED, reservationId: 'sale.broken' }

const ANSWER = {
  data: [
    {
      traceID: traceIdOf(TRACED.reservationId),
      spans: [
        {
          operationName: 'process x',
          startTime: 2_000_500,
          duration: 30_000,
          processID: 'p2',
          tags: [{ key: 'error', value: true }],
        },
        { operationName: 'POST /x', startTime: 1_000_000, duration: 1_500, processID: 'p1', tags: [], logs: [] },
      ],
      processes: { p1: { serviceName: 'gateway', tags: [] }, p2: { serviceName: 'subscribers' } },
    },
  ],
}

/** Answers as Jaeger's query service does. */
const jaeger = createServer((req, res) => {
  const found = req.url === `/api/traces/${traceIdOf(TRACED.reservationId)}`
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

test('a story has the spans of its trace, oldest first; one whose trace was not sampled has none', async () => {
  expect(await addSpans([TRACED, OTHER], url)).toEqual([
    {
      ...TRACED,
      spans: [
        { at: '1970-01-01T00:00:01.000Z', ms: 1.5, service: 'gateway', name: 'POST /x', failed: false },
        { at: '1970-01-01T00:00:02.000Z', ms: 30, service: 'subscribers', name: 'process x', failed: true },
      ],
    },
    OTHER,
  ])
})

test('a store that fails is an error, not a story without spans', async () => {
  await expect(addSpans([BROKEN], url)).rejects.toThrow('answered 500')
})
