import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { expectRefused } from '../support/expect-refused.ts'
import { call, callUntilAvailable } from '../support/http-client.ts'
import { inParallel } from '../support/parallel.ts'
import { RawConnection } from '../support/raw-http.ts'
import { startSystem, type System } from '../support/system.ts'

const HEADERS_MS = 10_000
/** A request may take 20 s. */
const LIMIT_MS = 45_000
const HOST = 'Host: shop\r\n'

let system: System
let saleId: string
const tokens: string[] = []
beforeAll(async () => {
  system = await startSystem()
  saleId = await system.createSale({ stock: 1_000 })
  tokens.push(...(await inParallel(50, 10, (i) => system.signIn(`ordinary ${i}`))))
})
afterAll(() => system.close())

/** A hundred at a time: connections in the kernel's backlog cannot be closed by the server. */
const open = (count: number, bytes = '') =>
  inParallel(count, 100, async () => (await new RawConnection(system.url('/')).opened()).send(bytes))
const openOf = (connections: RawConnection[]) => connections.filter(({ closed }) => !closed).length

interface Held {
  connections: RawConnection[]
  count: number
  bytes: string
}

/** Does the work while this many connections are held; closed ones are replaced. */
async function whileHeld(crowds: Held[], work: () => Promise<void>): Promise<void> {
  let isDone = false
  const hold = async ({ connections, count, bytes }: Held) => {
    for (; !isDone; await sleep(20)) connections.push(...(await open(count - openOf(connections), bytes)))
  }
  await Promise.all([
    work().finally(() => {
      isDone = true
    }),
    ...crowds.map(hold),
  ])
}

/** Buys, pays and reads, as an ordinary buyer does. */
async function expectServed(): Promise<void> {
  const answers = await inParallel(50, 10, (i) => system.buyUntilAvailable(saleId, tokens[i] ?? ''))
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]))
  const { orderId } = await system.settled(String(answers[0]?.body.id), tokens[0] ?? '')
  expect(await callUntilAvailable('GET', system.url(`/orders/${String(orderId)}`), { token: tokens[0] })).toMatchObject(
    {
      status: 200,
    },
  )
  expect(
    (await callUntilAvailable('POST', system.url(`/orders/${String(orderId)}/payments`), { token: tokens[0] })).status,
  ).toBeLessThan(300)
  expect((await call('GET', system.url('/sales'))).status).toBe(200)
}

/** Sends these bytes every second, as an attacker does who wants to keep the connection. */
function drip(connections: RawConnection[], bytes: string): () => void {
  const timer = setInterval(() => {
    for (const connection of connections) connection.send(bytes)
  }, 1_000)
  return () => clearInterval(timer)
}

test('buyers are served while thousands of connections are held open, and these are closed in time', async () => {
  const silent = await open(2_000)
  const slowHeaders = await open(200, `GET /sales HTTP/1.1\r\n${HOST}X-Slow: `)
  const body = (target: string, more = '') =>
    `POST ${target} HTTP/1.1\r\n${HOST}${more}Content-Type: application/json\r\nContent-Length: 10000\r\n\r\n{"`
  const slowPurchases = await open(200, body(`/sales/${saleId}/reservations`, `Authorization: Bearer ${tokens[0]}\r\n`))
  const slowSignIns = await open(100, body('/sessions'))
  // More than the gateway has connections to the order service.
  const slowCallback = body('/payments/callback')
  const slowCallbacks = await open(300, slowCallback)
  const slow = [...slowHeaders, ...slowPurchases, ...slowSignIns, ...slowCallbacks]
  const endless = await open(
    20,
    `POST /sessions HTTP/1.1\r\n${HOST}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n`,
  )
  const stops = [drip(slow, 'x'), drip(endless, `2000\r\n${'x'.repeat(0x2000)}\r\n`)]
  try {
    await whileHeld(
      [
        { connections: silent, count: 2_000, bytes: '' },
        { connections: slowCallbacks, count: 300, bytes: slowCallback },
      ],
      expectServed,
    )
    await eventually(
      'endless bodies to be refused',
      () => endless.map((connection) => connection.answers()[0]?.status),
      (statuses) => statuses.every((status) => status === 413),
    )
    await eventually(
      'all of them to be closed',
      () => openOf([...silent, ...slow, ...slowCallbacks, ...endless]),
      (left) => left === 0,
      LIMIT_MS,
    )
  } finally {
    for (const stop of stops) stop()
  }
  // Before its time is over no connection has to make room.
  for (const connection of [...silent, ...slowCallbacks]) expect(connection.openMs).toBeGreaterThan(HEADERS_MS - 1_000)
  for (const connection of [slowHeaders[0], slowPurchases[0], slowSignIns[0], slowCallbacks[0]]) {
    const [answer, ...more] = connection?.answers() ?? []
    if (!answer) throw new Error(`Expected an answer, got "${connection?.received}"`)
    expectRefused(answer, 'TIMED_OUT')
    expect(more).toEqual([])
  }
  await expectServed()
})

test('a client that does not read its answers does not delay others', async () => {
  const target = `/${'x'.repeat(8_000)}`
  const deaf = await open(20, `GET ${target} HTTP/1.1\r\n${HOST}\r\n`.repeat(500))
  for (const connection of deaf) connection.stopReading()
  await expectServed()
  for (const connection of deaf) connection.close()
})

test('a client that disconnects during a purchase leaks no unit', async () => {
  const purchase = (i: number) =>
    `POST /sales/${saleId}/reservations HTTP/1.1\r\n${HOST}Authorization: Bearer ${tokens[i % 50]}\r\n` +
    `Content-Type: application/json\r\nContent-Length: 14\r\n\r\n{"quantity":1}`
  await inParallel(200, 50, async (i) => {
    const connection = await new RawConnection(system.url('/')).opened()
    // Some before the body is whole, some after.
    connection.send(purchase(i).slice(0, i % 2 === 0 ? -5 : undefined))
    if (i % 3 === 0) connection.finish()
    else connection.close()
  })
  await expectServed()
  expect(await system.auditAtRest(saleId)).toMatchObject({ balanced: true, sales: [{ sold: 50 }] })
})

test('the number of connections is limited: idle ones make room, and silent ones are closed', async () => {
  await system.stop('gateway')
  await system.start('gateway', { CONNECTIONS_MAX: '50' })
  const idle = await open(50, `GET /sales HTTP/1.1\r\n${HOST}\r\n`)
  await eventually(
    'an answer to each',
    () => idle.map((connection) => connection.answers().length),
    (counts) => counts.every((count) => count === 1),
  )
  const ask = () =>
    fetch(system.url('/livez'), { headers: { connection: 'close' } }).then(
      ({ status }) => status,
      () => 0,
    )
  expect(await eventually('room for one more', ask, (status) => status === 200)).toBe(200)

  const silent = await open(80)
  await eventually(
    'those above the limit to be closed',
    () => openOf(silent),
    (left) => left <= 50,
  )
  expect(await eventually('the silent ones to be closed', ask, (status) => status === 200, LIMIT_MS)).toBe(200)
  for (const connection of [...idle, ...silent]) connection.close()
})

test('a thousand concurrent requests for an unknown event stream get 404', async () => {
  await system.stop('gateway')
  await system.start('gateway')
  const answers = await inParallel(1_000, 100, () =>
    call('GET', system.url(`/reservations/${saleId}.${randomUUID().slice(0, 22)}/events`), {
      token: tokens[0],
      headers: { accept: 'text/event-stream' },
    }),
  )
  for (const answer of answers) expectRefused(answer, 'NOT_FOUND')
  await expectServed()
})

test('every unit is accounted for', async () => {
  expect(await system.auditAtRest()).toMatchObject({ balanced: true, sales: [{ sold: 50 }] })
})
