import { once } from 'node:events'
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Registry } from 'prom-client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startHttp } from '../../core/platform/http/http-service.ts'
import { requestTurns } from '../../core/platform/http/request-turns.ts'
import { createLog } from '../../core/platform/process/log.ts'
import { eventually } from '../../test/support/eventually.ts'
import { call } from '../../test/support/http-client.ts'
import { RawConnection } from '../../test/support/raw-http.ts'
import { FORWARDING, forwardTo } from './forward.ts'

/** An order service that leaves buyers without an answer and takes the provider's calls. */
let orderService: Server
let gateway: Awaited<ReturnType<typeof startHttp>>
const unanswered: ServerResponse[] = []

beforeAll(async () => {
  orderService = createServer((req, res) => {
    if (req.url === '/payments/callback') res.end('{}')
    else if (req.url === '/orders/cut-off')
      res.writeHead(200, { 'content-length': 100 }).write('half', () => res.destroy())
    else if (req.url === '/orders/seen') res.writeHead(200, { 'content-length': 2, 'x-order': 'seen' }).end('{}')
    else unanswered.push(res)
  })
  await once(orderService.listen(0, '127.0.0.1'), 'listening')
  const log = createLog('test', 'silent')
  const url = `http://127.0.0.1:${(orderService.address() as AddressInfo).port}`
  gateway = await startHttp({
    host: '127.0.0.1',
    port: 0,
    log,
    metrics: new Registry(),
    checks: {},
    routes: (app) => {
      forwardTo(app, { orderServiceUrl: url, turns: requestTurns(FORWARDING, new Registry()), log })
    },
  })
})
afterAll(async () => {
  await gateway.close()
  orderService.close().closeAllConnections()
})

test('buyers pay while others look at orders on all connections, and money is reported beside both', async () => {
  const url = `http://127.0.0.1:${gateway.port}/`
  const connection = () => new RawConnection(url).opened()
  const asked = (count: number) =>
    eventually(
      'as many to be asked as may be',
      () => unanswered.length,
      (length) => length === count,
    )
  const [lookers, payers] = [await connection(), await connection()]
  lookers.send('GET /orders/1 HTTP/1.1\r\nHost: shop\r\n\r\n'.repeat(FORWARDING.reading.atOnce + 50))
  await asked(FORWARDING.reading.atOnce)
  payers.send('POST /orders/1/payments HTTP/1.1\r\nHost: shop\r\nContent-Length: 0\r\n\r\n'.repeat(60))
  await asked(FORWARDING.reading.atOnce + FORWARDING.paying.atOnce)
  expect(await call('POST', `${url}payments/callback`, { body: {} })).toMatchObject({ status: 200 })
  expect(lookers.received + payers.received).toBe('')
  lookers.close()
  payers.close()
})

test('who finds no connection in time is told when to come back', async () => {
  const url = `http://127.0.0.1:${gateway.port}/`
  const buyers = await Promise.all(
    Array.from({ length: 101 }, async () =>
      (await new RawConnection(url).opened()).send('GET /orders/1 HTTP/1.1\r\nHost: shop\r\n\r\n'),
    ),
  )
  const [refusal] = await eventually(
    'one of them to be refused',
    () => buyers.flatMap((buyer) => buyer.answers()),
    ({ length }) => length > 0,
  )
  expect(refusal).toMatchObject({ status: 503 })
  expect(Number(refusal?.headers.get('retry-after'))).toBeGreaterThan(0)
  expect(JSON.parse(refusal?.text ?? '')).toMatchObject({ code: 'BUSY' })
  for (const buyer of buyers) buyer.close()
})

test('an answer that is cut off is none, and the client can come back', async () => {
  const answer = await call('GET', `http://127.0.0.1:${gateway.port}/orders/cut-off`)
  expect(answer).toMatchObject({ status: 503, body: { code: 'UNAVAILABLE' } })
  expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
})

test.each(['GET', 'HEAD'])('headers and body of the answer to a %s come as they are', async (method) => {
  const answer = await call(method, `http://127.0.0.1:${gateway.port}/orders/seen`)
  expect([answer.status, answer.headers.get('x-order'), answer.text]).toEqual([
    200,
    'seen',
    method === 'GET' ? '{}' : '',
  ])
  expect(answer.headers.get('content-length')).toBe('2')
})

test('who leaves is not waited for: the order service is left alone, and the turn is free', async () => {
  const before = unanswered.length
  const buyer = await new RawConnection(`http://127.0.0.1:${gateway.port}/`).opened()
  buyer.send('GET /orders/left HTTP/1.1\r\nHost: shop\r\n\r\n')
  const [asked] = await eventually(
    'the order service to be asked',
    () => unanswered.slice(before),
    ({ length }) => length === 1,
  )
  buyer.close()
  const isGone = await eventually(
    'the gateway to hang up',
    () => asked?.destroyed,
    (gone) => gone === true,
  )
  expect(isGone).toBe(true)
})
