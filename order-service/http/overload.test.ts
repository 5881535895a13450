import { randomBytes, randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { placeOrders } from '../../core/orders/place-orders.ts'
import { startHttp } from '../../core/platform/http/http-service.ts'
import { requestTurns } from '../../core/platform/http/request-turns.ts'
import { signBody } from '../../core/platform/http/signature.ts'
import { createTokens } from '../../core/platform/http/tokens.ts'
import { Closers } from '../../core/platform/process/closers.ts'
import { createLog } from '../../core/platform/process/log.ts'
import { createMetrics } from '../../core/platform/process/metrics.ts'
import { connectDatabase } from '../../core/platform/stores/connect-database.ts'
import type { Database } from '../../core/platform/stores/database.ts'
import { eventually } from '../../test/support/eventually.ts'
import { type Answer, call } from '../../test/support/http-client.ts'
import { Ledger, reservation, rules } from '../../test/support/ledger.ts'
import { slowed } from '../../test/support/patience.ts'
import { startTcpProxy, type TcpProxy } from '../../test/support/tcp-proxy.ts'
import { createWorld, type World } from '../../test/support/world.ts'
import { demoProvider } from '../payments/demo-provider.ts'
import { orderRoutes } from './routes.ts'

/** PostgreSQL answers so slowly that the clients ask for several times of what it can do. */
const QUERY_MS = slowed(400)
const CONNECTIONS = 10
const CLIENTS = 150
/** A client that has waited so long leaves, and asks again. */
const PATIENCE_MS = 6 * QUERY_MS
const OUTCOMES = 800
const PAYMENT_SECRET = randomBytes(24).toString('hex')

const tokens = createTokens(randomBytes(24).toString('hex'))
const log = createLog('test', 'silent')
const closers = new Closers(log)
const metrics = createMetrics('order-service')
let world: World
let link: TcpProxy
let url = ''
let orderId = ''
const queries = { done: 0 }
let token = ''

beforeAll(async () => {
  world = await createWorld()
  closers.add('world', () => world.close())
  const saleId = await new Ledger(world).sale(1)
  const held = reservation(saleId, 0)
  const [verdict] = await placeOrders(world.database, [held], rules)
  if (verdict?.decision.outcome !== 'ORDERED') throw new Error(`Expected ORDERED, got ${JSON.stringify(verdict)}`)
  orderId = verdict.decision.orderId
  token = tokens.sign(held.buyerId)

  const databaseUrl = new URL(world.databaseUrl)
  link = await startTcpProxy({ host: databaseUrl.hostname, port: Number(databaseUrl.port || 5_432) })
  closers.add('link', () => link.close())
  databaseUrl.host = `127.0.0.1:${link.port}`
  const database = connectDatabase(databaseUrl.href, {
    connections: CONNECTIONS,
    statementTimeoutMs: 60_000,
    connectTimeoutMs: 60_000,
  })
  closers.add('database', () => database.$disconnect())
  const each = { atOnce: CONNECTIONS / 2, waitingMax: 1_000, waitMsMax: QUERY_MS }
  const turns = requestTurns({ reading: each, paying: each, callback: each }, metrics)
  const routes = orderRoutes({
    database: counting(database),
    stock: world.stock,
    provider: demoProvider({ url: 'http://127.0.0.1:9', secret: PAYMENT_SECRET }),
    currency: 'CNY',
    log,
    tokens,
    turns,
    onChange: () => {},
  })
  const { onLeft } = turns
  const http = await startHttp({ host: '127.0.0.1', port: 0, log, metrics, checks: {}, onLeft, routes })
  closers.add('http', () => http.close())
  url = `http://127.0.0.1:${http.port}`
  await openAll(database)
  link.delay(QUERY_MS / 2)
})
afterAll(() => closers.closeAll())

/** All connections are there before they become slow: each is held until the last is open. */
async function openAll(database: Database): Promise<void> {
  let open = 0
  const hold = () =>
    database.$transaction(
      async (tx) => {
        await tx.$queryRaw`SELECT 1`
        open += 1
        await eventually(
          'all connections',
          () => open,
          (count) => count === CONNECTIONS,
        )
      },
      { maxWait: 60_000, timeout: 60_000 },
    )
  await Promise.all(Array.from({ length: CONNECTIONS }, hold))
}

/** The same, whose queries are counted when they are answered. */
function counting(database: Database): Database {
  return database.$extends({
    query: {
      async $allOperations({ args, query }) {
        const rows = (await query(args)) as unknown
        queries.done += 1
        return rows
      },
    },
  }) as unknown as Database
}

const readOrder = (signal?: AbortSignal) =>
  call('GET', `${url}/orders/${orderId}`, { token, ...(signal && { signal }) })
/** Of a payment that there is not: it has to be looked for. */
function reportMoney(): Promise<Answer> {
  const ids = { paymentId: randomUUID(), orderId: randomUUID(), providerRef: `ref-${randomUUID()}` }
  const body = JSON.stringify({ ...ids, amountCents: 1_000, currency: 'CNY' })
  return call('POST', `${url}/payments/callback`, {
    body,
    headers: { 'Payment-Signature': signBody(PAYMENT_SECRET, body) },
  })
}

/** Clients who ask again soon after they are refused or have lost patience, sooner than any of ours does. */
class Crowd {
  readonly outcomes: ('ANSWERED' | 'SHED' | 'GAVE_UP')[] = []
  readonly others: Answer[] = []
  readonly #leaving = new AbortController()
  readonly #gone = Promise.all(Array.from({ length: CLIENTS }, () => this.#stay()))

  async leave(): Promise<void> {
    this.#leaving.abort()
    await this.#gone
  }

  async #stay(): Promise<void> {
    const { signal } = this.#leaving
    while (!signal.aborted) {
      const answer = await readOrder(AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)])).catch(() => undefined)
      if (signal.aborted) return
      this.#note(answer)
      await sleep(QUERY_MS)
    }
  }

  #note(answer: Answer | undefined): void {
    if (!answer) this.outcomes.push('GAVE_UP')
    else if (answer.status === 200) this.outcomes.push('ANSWERED')
    else if (isShed(answer)) this.outcomes.push('SHED')
    else this.others.push(answer)
  }
}

const isShed = ({ status, headers, body }: Answer) =>
  status === 503 && body.code === 'BUSY' && Number(headers.get('retry-after')) >= 1

const shed = async (kind: string) => {
  const values = (await metrics.getSingleMetric('seckill_requests_shed_total')?.get())?.values ?? []
  return values.filter(({ labels }) => labels.kind === kind).reduce((sum, { value }) => sum + value, 0)
}

test('with more clients than PostgreSQL can serve, some are answered in time all along, and the next at once when they have left', async () => {
  const crowd = new Crowd()
  await eventually(
    'the crowd to be there',
    () => crowd.outcomes.length,
    (count) => count >= CLIENTS,
  )
  // Money is not kept waiting by those who look at their orders. PostgreSQL may be too slow for its transaction.
  const reported = await Promise.all(Array.from({ length: 3 }, reportMoney))
  expect(reported.map(({ body }) => body.code)).not.toContain('BUSY')
  expect((await call('GET', `${url}/livez`)).status).toBe(200)
  await eventually(
    'it to have asked for long enough',
    () => crowd.outcomes.length,
    (count) => count >= OUTCOMES,
    60_000,
  )
  await crowd.leave()
  const before = queries.done
  const next = await readOrder()

  expect(crowd.others).toEqual([])
  for (let from = 0; from < OUTCOMES; from += OUTCOMES / 4) {
    const quarter = crowd.outcomes.slice(from, from + OUTCOMES / 4)
    expect(quarter, `of the outcomes from ${from} on`).toContain('ANSWERED')
    expect(quarter).toContain('SHED')
  }
  // Behind a queue of those who have left, hundreds of queries would come before its own.
  expect(next.status).toBe(200)
  expect(queries.done - before).toBeLessThan(CLIENTS / 3)
  expect(await shed('reading')).toBeGreaterThan(0)
  expect(await shed('callback')).toBe(0)
})
