import { changeReservation, inventReservation } from '../../test/support/change-reservation.ts'
import { memberOf, type ReservationName } from '../stock/reservation.ts'
import { randomBytes, randomUUID } from 'node:crypto'
import { connect } from 'amqplib'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { loadSale } from '../../test/support/load-sale.ts'
import { reserveOne } from '../../test/support/reserve-one.ts'
import { subscriber as coupon } from '../../subscribers/coupon.ts'
import { SubscribersConfig } from '../../subscribers/runtime/config.ts'
import { handleEvents } from '../../subscribers/runtime/handle-events.ts'
import { interestOf } from '../../subscribers/runtime/subscriber.ts'
import { subscriber as points } from '../../subscribers/points.ts'
import { subscriber as risk } from '../../subscribers/risk.ts'
import { Ledger, reservation } from '../../test/support/ledger.ts'
import { inParallel } from '../../test/support/parallel.ts'
import { createWorld, type World } from '../../test/support/world.ts'
import { INTAKE } from '../contracts/topology.ts'
import { subscribe, type Subscription } from '../orders/inbox.ts'
import { settleEnded } from '../orders/settle-ended.ts'
import { settleDecided } from '../orders/settle-decided.ts'
import { forgetHandled } from '../orders/forget.ts'
import { placeOrders } from '../orders/place-orders.ts'
import { rejectAbandoned } from '../orders/reject-abandoned.ts'
import { cancelForBuyer, refundPaid } from '../orders/transitions.ts'
import { receiveMoney } from '../orders/receive-money.ts'
import { parseConfig } from '../platform/process/config.ts'
import { createLog } from '../platform/process/log.ts'
import { audit } from './audit.ts'
import { formatAudit } from '../../cli/format-audit.ts'
import { findViolations } from './read-database.ts'
import { createQueueReader, type QueueReader } from './queue-depths.ts'
import { auditLimits, type CheckId, type SaleAudit } from './report.ts'

/**
 * Every check must be able to fail. A sale that went well is made with the system's own means; then one thing is broken
 * behind its back, and the audit has to call exactly the checks it touches, and the reservation, order or buyer.
 */

const STOCK = 10
const PRICE_CENTS = 1_000
const RULES = { reservationLifetimeMs: 60_000, paymentWindowMs: 3_600_000, sagaMs: 30_000 }
const limits = auditLimits(120)
const log = createLog('test', 'silent')
let world: World
let queues: QueueReader
const STRONG = [coupon, points, risk]
let subscriptions: Subscription[]

beforeAll(async () => {
  world = await createWorld()
  queues = createQueueReader(world.rabbitmqUrl, 60)
  subscriptions = await Promise.all(
    STRONG.map((subscriber) => subscribe(world.database, subscriber.name, 1, interestOf(subscriber))),
  )
  // What PostgreSQL itself would refuse must be seen, too: a restored dump or a bad migration has no such guard.
  await sql('ALTER TABLE sales DROP CONSTRAINT sales_sold_within_stock')
  await sql('ALTER TABLE decisions DROP CONSTRAINT decisions_within_limit')
  for (const index of ['orders_reservation_id_key', 'refunds_payment_id_key']) await sql(`DROP INDEX ${index}`)
})
afterAll(async () => {
  await queues.close()
  await world.close()
})

const sql = (statement: string, ...values: unknown[]) => world.database.$executeRawUnsafe(statement, ...values)
const look = (saleId: string) =>
  audit({ database: world.database, redis: world.redis, keyPrefix: world.keyPrefix, queues, limits }, saleId)

interface Placed {
  orderId: string
  saleId: string
  reservationId: string
  buyerId: string
}
interface Sale {
  id: string
  unpaid: Placed
  paid: Placed
  cancelled: Placed
  paidLate: Placed
  refunded: Placed
  rejected: ReservationName
}

async function reserve(saleId: string) {
  const reservation = {
    saleId,
    reservationId: `${saleId}.${randomBytes(16).toString('base64url')}`,
    buyerId: `buyer-${randomUUID()}`,
    epoch: 1,
    quantity: 1,
  }
  const outcome = await reserveOne(world.stock, { ...reservation, total: 10 }, reservation)
  if (outcome.status !== 'RESERVED') throw new Error(`Expected RESERVED, got ${outcome.status}`)
  return { ...reservation, reservedAtMs: outcome.reservedAtMs }
}

/** Places so many orders in each sale. @returns them by sale */
async function place(saleIds: string[], perSale: number): Promise<Placed[][]> {
  const reserved = await Promise.all(saleIds.flatMap((id) => Array.from({ length: perSale }, () => reserve(id))))
  for (const message of reserved) await world.stock.confirmed(message.saleId, [message])
  const verdicts = await placeOrders(world.database, reserved, RULES)
  await settleDecided(world.stock, verdicts, log)
  const placed = verdicts.map(({ reservation: { saleId, reservationId, buyerId }, decision }) => {
    if (decision.outcome !== 'ORDERED') throw new Error(`Expected ORDERED, got ${JSON.stringify(decision)}`)
    return { orderId: decision.orderId, saleId, reservationId, buyerId }
  })
  return saleIds.map((id) => placed.filter(({ saleId }) => saleId === id))
}

async function pay({ orderId }: Placed) {
  const paymentId = randomUUID()
  await world.database.payment.create({ data: { id: paymentId, orderId, amountCents: PRICE_CENTS } })
  await receiveMoney(world.database, [{ paymentId, orderId, amountCents: PRICE_CENTS, providerRef: paymentId }])
}

/** The subscribers hear of everything that waits in the outbox, as if the broker had carried it. */
async function tellSubscribers() {
  const { database, redis } = world
  const config = parseConfig(SubscribersConfig, {
    DATABASE_URL: world.databaseUrl,
    REDIS_URL: world.redisUrl,
    RABBITMQ_URL: world.rabbitmqUrl,
    REDIS_KEY_PREFIX: world.keyPrefix,
  })
  const events = (await new Ledger(world).messages()).flatMap(({ destination, message }) =>
    destination === 'events' ? [message] : [],
  )
  for (const [i, subscriber] of STRONG.entries()) {
    const subscription = subscriptions[i]
    if (subscription) await handleEvents({ subscriber, subscription, database, tools: { config, redis, log } }, events)
  }
  await sql('DELETE FROM outbox')
}

const SALES_AT_ONCE = 20
const ready: Sale[] = []

/** One order in every state there is, and one reservation that was rejected; all settled, nothing in flight. */
async function goodSale(): Promise<Sale> {
  if (ready.length === 0) ready.push(...(await goodSales(SALES_AT_ONCE)))
  const sale = ready.pop()
  await sql('DELETE FROM outbox') // Of the test before.
  if (!sale) throw new Error('Expected a sale')
  return sale
}

/** Several at once take hardly longer than one. */
async function goodSales(count: number): Promise<Sale[]> {
  const ids = Array.from({ length: count }, () => `sale-${randomBytes(4).toString('hex')}`)
  const common = { title: 'A sale', priceCents: PRICE_CENTS, perBuyerLimit: 2 }
  const closesAtMs = Date.now() + 3_600_000
  const inDatabase = { ...common, stock: STOCK, epoch: 1, fencedEpoch: 1, opensAt: new Date(0) }
  await world.database.sale.createMany({
    data: ids.map((id) => ({ ...inDatabase, id, closesAt: new Date(closesAtMs) })),
  })
  const inRedis = { ...common, epoch: 1, total: STOCK, left: STOCK, opensAtMs: 0, closesAtMs }
  await Promise.all(ids.map((saleId) => loadSale(world, { ...inRedis, saleId })))

  const sales = (await place(ids, 5)).map(([unpaid, paid, cancelled, paidLate, refunded]) => {
    if (!unpaid || !paid || !cancelled || !paidLate || !refunded) throw new Error('Expected five orders in each sale')
    return { id: unpaid.saleId, unpaid, paid, cancelled, paidLate, refunded }
  })
  const paid = sales.flatMap((sale) => [sale.paid, sale.refunded])
  await forEach(paid, pay)
  await settle(paid)
  await world.database.$transaction(async (tx) => {
    for (const { refunded } of sales) await refundPaid(tx, refunded.orderId, 'VETOED')
  })
  const ended = sales.flatMap(({ cancelled, paidLate }) => [cancelled, paidLate])
  await forEach(ended, ({ orderId, buyerId }) => cancelForBuyer(world.database, orderId, buyerId))
  await settle(sales.flatMap(({ cancelled, paidLate, refunded }) => [cancelled, paidLate, refunded]))
  await forEach(
    sales.map(({ paidLate }) => paidLate),
    pay,
  )

  const late = await Promise.all(ids.map((id) => reserve(id)))
  for (const message of late) await world.stock.confirmed(message.saleId, [message])
  const rejections = await rejectAbandoned(world.database, late)
  await settleDecided(world.stock, rejections, log)
  await tellSubscribers()
  return sales.flatMap((sale, i) => (late[i] ? [{ ...sale, rejected: late[i] }] : []))
}

/** Fewer at a time than there are connections: a transaction waits for one only so long. */
const forEach = (orders: Placed[], work: (order: Placed) => Promise<unknown>) =>
  inParallel(orders.length, 8, async (i) => orders[i] && (await work(orders[i])))

const settle = (orders: Placed[]) =>
  settleEnded(
    { database: world.database, stock: world.stock, log },
    orders.map(({ orderId }) => orderId),
  )

const checksThatAre = (state: string, sale: SaleAudit | undefined) =>
  sale?.checks.filter((check) => check.state === state).map(({ id }) => id)
/** Gives a reservation to another buyer, in Redis only. */
async function moveReservation({ reservationId, buyerId }: Placed, to: string) {
  const book = world.stock.keys.book(reservationId.split('.')[0] ?? '')
  const record = await world.redis.hget(book, buyerId)
  await world.redis.hdel(book, buyerId)
  const held = await world.redis.hget(book, to)
  await world.redis.hset(book, to, [held, record].filter((found) => found !== null).join('\n'))
  const orders = world.stock.keys.orders(reservationId.split('.')[0] ?? '')
  const [from, moved] = [buyerId, to].map((buyer) => memberOf({ reservationId, buyerId: buyer })) as [string, string]
  const order = await world.redis.hget(orders, from)
  if (order !== null) await world.redis.hset(orders, moved, order)
}
const saleKey = (sale: Sale) => world.stock.keys.sale(sale.id)
const ghost = ({ id }: Sale, i = 0) => ({ reservationId: `${id}.ghost${i}`, buyerId: `ghost-${i}` })
const misplaced = ({ id }: Sale) => ({ reservationId: `${id}.1.ghost`, buyerId: 'ghost' })
const listUndecided = (sale: Sale, atMs: number) =>
  world.redis.zadd(world.stock.keys.undecided(sale.id), atMs, memberOf(ghost(sale)))

test('a sale that went well is balanced and quiet', async () => {
  const { id } = await goodSale()
  const report = await look(id)
  expect(report).toMatchObject({
    balanced: true,
    quiet: true,
    outbox: 0,
    queues: { intake: 0, waiting: 0, cancellations: 0, deadLetters: 0 },
  })
  expect(report.sales).toMatchObject([
    {
      saleId: id,
      stock: STOCK,
      sold: 2,
      redisLeft: 8,
      pending: 0,
      undecided: 0,
      rejections: 1,
      orders: { PENDING_PAYMENT: 1, PAID: 1, CANCELLED: 2, REFUNDED: 1 },
    },
  ])
  expect(checksThatAre('ok', report.sales[0])).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9])
  expect(JSON.parse(JSON.stringify(report))).toEqual(report)
})

type Fault = [what: string, wrong: CheckId[], plant: (sale: Sale) => Promise<unknown>, named?: (sale: Sale) => string]

const faults: Fault[] = [
  [
    'the counter is not the sum of the orders',
    [1],
    ({ id }) => sql('UPDATE sales SET sold = sold + 1 WHERE id = $1', id),
  ],
  ['more is sold than there was', [1, 2, 8], ({ id }) => sql('UPDATE sales SET stock = 1 WHERE id = $1', id)],
  ['Redis is below zero', [1, 2], (sale) => world.redis.hset(saleKey(sale), 'stock', -1)],

  ['Redis has a unit too many', [2], (sale) => world.redis.hincrby(saleKey(sale), 'stock', 1)],
  [
    'Redis has a unit too many while others are in flight',
    [2],
    async (sale) => {
      await reserve(sale.id)
      await world.redis.hincrby(saleKey(sale), 'stock', 2)
    },
    () => 'Redis offers 1 more',
  ],
  ['a unit is lost', [2], (sale) => world.redis.hincrby(saleKey(sale), 'stock', -1)],
  [
    'the counter of returned units is not the sum of the ended orders',
    [1],
    ({ id }) => sql('UPDATE sales SET returned = returned + 1 WHERE id = $1', id),
  ],

  [
    'an order is lost',
    [1, 2, 3],
    ({ unpaid }) => sql('DELETE FROM orders WHERE id = $1::uuid', unpaid.orderId),
    ({ unpaid }) => unpaid.reservationId,
  ],
  [
    'a reservation made two orders',
    [1, 3],
    ({ cancelled }) =>
      sql(
        `
    INSERT INTO orders SELECT (o).* FROM (SELECT jsonb_populate_record(orders, jsonb_build_object('id', gen_random_uuid())) AS o
    FROM orders WHERE id = $1::uuid) AS copy`,
        cancelled.orderId,
      ),
    ({ cancelled }) => cancelled.reservationId,
  ],
  [
    'an order was never decided',
    [3],
    ({ unpaid }) => sql('DELETE FROM decisions WHERE reservation_id = $1', unpaid.reservationId),
    ({ unpaid }) => unpaid.orderId,
  ],
  [
    'a rejected reservation has an order',
    [3],
    ({ unpaid }) =>
      sql(
        `UPDATE decisions SET outcome = 'REJECTED', reason = 'EXPIRED' WHERE reservation_id = $1`,
        unpaid.reservationId,
      ),
    ({ unpaid }) => unpaid.orderId,
  ],
  [
    'an order belongs to another buyer',
    [3],
    ({ paid }) => sql(`UPDATE orders SET buyer_id = 'thief' WHERE id = $1::uuid`, paid.orderId),
    ({ paid }) => paid.orderId,
  ],
  [
    'Redis calls a cancelled order paid',
    [3],
    (sale) => changeReservation(world, sale.cancelled, { status: 'PAID' }),
    ({ cancelled }) => cancelled.reservationId,
  ],
  [
    'Redis calls a rejected reservation an order',
    [3],
    (sale) => changeReservation(world, sale.rejected, { status: 'ORDERED' }),
    ({ rejected }) => rejected.reservationId,
  ],
  [
    'a rejection was not settled for an hour',
    [7],
    async (sale) => {
      await sql(
        `UPDATE decisions SET decided_at = now() - interval '1 hour' WHERE reservation_id = $1`,
        sale.rejected.reservationId,
      )
      await changeReservation(world, sale.rejected, { status: 'RESERVED' })
    },
    ({ rejected }) => rejected.reservationId,
  ],
  [
    'Redis has an order without a decision',
    [3],
    async (sale) => {
      await inventReservation(world, ghost(sale), { status: 'ORDERED' })
      await listUndecided(sale, Date.now())
    },
    (sale) => ghost(sale).reservationId,
  ],
  [
    'Redis has a reservation under another buyer',
    [3],
    (sale) => moveReservation(sale.paid, 'thief'),
    ({ paid }) => paid.reservationId,
  ],
  [
    'a reservation has fallen out of the undecided ones',
    [3],
    (sale) => inventReservation(world, ghost(sale), { status: 'RESERVED' }),
    (sale) => ghost(sale).reservationId,
  ],
  [
    'a reservation stays undecided',
    [3],
    async (sale) => {
      await inventReservation(world, ghost(sale), { status: 'RESERVED', reservedAtMs: '1' })
      await listUndecided(sale, Date.now())
    },
    (sale) => ghost(sale).reservationId,
  ],
  [
    'the list of undecided ones names a reservation that is gone',
    [3],
    (sale) => listUndecided(sale, 1),
    (sale) => ghost(sale).reservationId,
  ],

  [
    'a buyer has a live order of which the decision about another knew nothing',
    [4],
    async ({ paid, unpaid }) => {
      await sql('UPDATE orders SET buyer_id = $1 WHERE id = $2::uuid', paid.buyerId, unpaid.orderId)
      await sql('UPDATE decisions SET buyer_id = $1 WHERE reservation_id = $2', paid.buyerId, unpaid.reservationId)
      await moveReservation(unpaid, paid.buyerId)
    },
    ({ paid }) => paid.buyerId,
  ],
  [
    'an order is above the limit',
    [4],
    ({ paid }) => sql('UPDATE decisions SET limit_per_buyer = 0 WHERE reservation_id = $1', paid.reservationId),
    ({ paid }) => paid.orderId,
  ],
  [
    'an order is above the limit together with what its buyer had',
    [4],
    ({ paid }) => sql('UPDATE decisions SET live_units_before = 2 WHERE reservation_id = $1', paid.reservationId),
    ({ paid }) => paid.orderId,
  ],

  [
    'Redis has two live reservations of one purchase',
    [3, 4],
    (sale) => inventReservation(world, { ...sale.paid, reservationId: `${sale.id}.again` }, { status: 'PAID' }),
    ({ paid }) => paid.buyerId,
  ],
  [
    "Redis has a reservation in another shard than its buyer's",
    [3, 4],
    (sale) => inventReservation(world, misplaced(sale), { status: 'RESERVED' }),
    (sale) => misplaced(sale).reservationId,
  ],

  [
    'Redis opens the sale at another time',
    [8],
    (sale) => world.redis.hset(saleKey(sale), 'opens_at_ms', 1),
    () => 'opensAtMs 1970-01-01T00:00:00.001Z in Redis',
  ],
  [
    'Redis closes the sale at another time',
    [8],
    (sale) => world.redis.hincrby(saleKey(sale), 'closes_at_ms', -60_000),
    () => 'closesAtMs',
  ],
  [
    'Redis allows a buyer more than the limit',
    [8],
    (sale) => world.redis.hset(saleKey(sale), 'per_buyer_limit', 9),
    () => 'perBuyerLimit 9 in Redis, 2 in PostgreSQL',
  ],
  [
    'Redis has another stock',
    [8],
    (sale) => world.redis.hset(saleKey(sale), 'total', 11),
    () => 'total 11 in Redis, 10 in PostgreSQL',
  ],
  [
    'Redis has another price',
    [8],
    (sale) => world.redis.hset(saleKey(sale), 'price_cents', 1),
    () => 'priceCents 1 in Redis',
  ],
  [
    'Redis has another title',
    [8],
    (sale) => world.redis.hset(saleKey(sale), 'title', 'Another'),
    () => 'title Another in Redis',
  ],
  [
    'Redis has stopped the sale',
    [8],
    (sale) => world.redis.hset(saleKey(sale), 'stopped', 1),
    () => 'isStopped true in Redis, none in PostgreSQL',
  ],
  [
    'Redis has other rules of the opening',
    [8],
    (sale) => world.redis.hset(saleKey(sale), 'opening', '{"lapses":{"max":1,"waitSeconds":1}}'),
    () => 'opening {"lapses":{"max":1,"waitSeconds":1}} in Redis, none in PostgreSQL',
  ],
  [
    'Redis has other terms',
    [8],
    (sale) => world.redis.hset(saleKey(sale), 'terms', 2),
    () => 'terms 2 in Redis, none in PostgreSQL',
  ],
  [
    'an order costs what its sale never cost',
    [5],
    ({ unpaid }) => sql('UPDATE orders SET amount_cents = amount_cents + 1 WHERE id = $1::uuid', unpaid.orderId),
    () => 'not a price of their sale',
  ],
  [
    'Redis blocks a buyer who is not on the blacklist',
    [8],
    (sale) => world.redis.sadd(world.stock.keys.blacklist(sale.id), 'ann'),
    () => 'not on the blacklist: ann',
  ],
  [
    'a buyer on the blacklist is not blocked in Redis',
    [8],
    async () => {
      await world.database.blacklistEntry.create({ data: { buyerId: 'mallory', reason: 'bots' } })
      onTestFinished(async () => {
        await world.database.blacklistEntry.deleteMany()
      })
    },
    () => 'who are not blocked in Redis: mallory',
  ],
  [
    'the sale was never reconciled',
    [8],
    (sale) => world.redis.hdel(saleKey(sale), 'reconciled_at_ms'),
    ({ id }) => `${id} (never)`,
  ],
  [
    'the sale was not reconciled for an hour',
    [8],
    (sale) => world.redis.hincrby(saleKey(sale), 'reconciled_at_ms', -3_600_000),
    () => '(not since',
  ],

  [
    'an order was paid and cancelled',
    [5],
    ({ paid }) => sql('UPDATE orders SET cancelled_at = now() WHERE id = $1::uuid', paid.orderId),
    ({ paid }) => paid.orderId,
  ],
  [
    'an order has skipped a step',
    [5],
    ({ cancelled }) => sql('UPDATE orders SET sequence = 3 WHERE id = $1::uuid', cancelled.orderId),
    ({ cancelled }) => cancelled.orderId,
  ],
  [
    'an unpaid order was paid once',
    [5],
    ({ unpaid }) => sql('UPDATE orders SET paid_at = now() WHERE id = $1::uuid', unpaid.orderId),
    ({ unpaid }) => unpaid.orderId,
  ],
  [
    'a payment was not settled for an hour',
    [7],
    async (sale) => {
      await sql(
        `UPDATE orders SET settled_at = NULL, created_at = now() - interval '2 hours', paid_at = now() - interval '1 hour' WHERE id = $1::uuid`,
        sale.paid.orderId,
      )
    },
    ({ paid }) => paid.orderId,
  ],
  [
    'a paid order has no money',
    [5],
    ({ paid }) => sql('UPDATE payments SET received_at = NULL WHERE order_id = $1::uuid', paid.orderId),
    ({ paid }) => paid.orderId,
  ],
  [
    'an unpaid order costs nothing',
    [5, 8],
    async ({ unpaid }) => {
      await sql('UPDATE orders SET amount_cents = 0 WHERE id = $1::uuid', unpaid.orderId)
      await sql(
        'UPDATE sales SET price_cents = 0 WHERE id = (SELECT sale_id FROM orders WHERE id = $1::uuid)',
        unpaid.orderId,
      )
    },
    ({ unpaid }) => unpaid.orderId,
  ],
  [
    'an unpaid order has money',
    [5],
    ({ unpaid }) =>
      sql(
        `INSERT INTO payments (id, order_id, amount_cents, received_at) VALUES (gen_random_uuid(), $1::uuid, ${PRICE_CENTS}, now())`,
        unpaid.orderId,
      ),
    ({ unpaid }) => unpaid.orderId,
  ],
  [
    'the money of a paid order is refunded',
    [5],
    ({ paid }) =>
      sql(
        `
    INSERT INTO refunds (id, payment_id, amount_cents) SELECT gen_random_uuid(), id, amount_cents FROM payments WHERE order_id = $1::uuid`,
        paid.orderId,
      ),
    ({ paid }) => paid.orderId,
  ],
  [
    'money for a cancelled order is kept',
    [5],
    ({ paidLate }) =>
      sql(
        'DELETE FROM refunds WHERE payment_id = (SELECT id FROM payments WHERE order_id = $1::uuid)',
        paidLate.orderId,
      ),
    ({ paidLate }) => paidLate.orderId,
  ],
  [
    'money for a cancelled order goes back twice',
    [5],
    ({ paidLate }) =>
      sql(
        `
    INSERT INTO refunds (id, payment_id, amount_cents) SELECT gen_random_uuid(), id, amount_cents FROM payments WHERE order_id = $1::uuid`,
        paidLate.orderId,
      ),
    ({ paidLate }) => paidLate.orderId,
  ],
  [
    'the money of a refunded order is kept',
    [5],
    ({ refunded }) =>
      sql(
        'DELETE FROM refunds WHERE payment_id = (SELECT id FROM payments WHERE order_id = $1::uuid)',
        refunded.orderId,
      ),
    ({ refunded }) => refunded.orderId,
  ],
  [
    'the money of a refunded order goes back twice',
    [5],
    ({ refunded }) =>
      sql(
        `
    INSERT INTO refunds (id, payment_id, amount_cents) SELECT gen_random_uuid(), id, amount_cents FROM payments WHERE order_id = $1::uuid`,
        refunded.orderId,
      ),
    ({ refunded }) => refunded.orderId,
  ],
  [
    'a refunded order never had money',
    [5],
    ({ refunded }) => sql('UPDATE payments SET received_at = NULL WHERE order_id = $1::uuid', refunded.orderId),
    ({ refunded }) => `paid orders without money: ${refunded.orderId}`,
  ],
  [
    'a refunded order does not say why',
    [5],
    ({ refunded }) => sql('UPDATE orders SET end_reason = NULL WHERE id = $1::uuid', refunded.orderId),
    ({ refunded }) => refunded.orderId,
  ],
  [
    'a paid order says why it has ended',
    [5],
    ({ paid }) => sql(`UPDATE orders SET end_reason = 'VETOED' WHERE id = $1::uuid`, paid.orderId),
    ({ paid }) => paid.orderId,
  ],
  [
    'a paid order was refunded once',
    [5],
    ({ paid }) => sql('UPDATE orders SET refunded_at = now() WHERE id = $1::uuid', paid.orderId),
    ({ paid }) => paid.orderId,
  ],
  [
    'a refunded unit never went back',
    [7],
    ({ refunded }) =>
      sql(
        `
    UPDATE orders SET settled_at = NULL, created_at = now() - interval '3 hours', paid_at = now() - interval '2 hours', refunded_at = now() - interval '1 hour'
    WHERE id = $1::uuid`,
        refunded.orderId,
      ),
    ({ refunded }) => refunded.orderId,
  ],
  [
    'Redis calls a refunded order cancelled',
    [3],
    (sale) => changeReservation(world, sale.refunded, { status: 'CANCELLED' }),
    ({ refunded }) => refunded.reservationId,
  ],
  [
    'Redis calls a paid order refunded',
    [3],
    (sale) => changeReservation(world, sale.paid, { status: 'REFUNDED' }),
    ({ paid }) => paid.reservationId,
  ],
  [
    'Redis calls an order unpaid that was paid an hour ago, although it was told',
    [7],
    async (sale) => {
      await sql(
        `UPDATE decisions SET decided_at = now() - interval '2 hours' WHERE reservation_id = $1`,
        sale.paid.reservationId,
      )
      await sql(
        `UPDATE orders SET created_at = now() - interval '2 hours', paid_at = now() - interval '1 hour' WHERE id = $1::uuid`,
        sale.paid.orderId,
      )
      await changeReservation(world, sale.paid, { status: 'ORDERED' })
    },
    ({ paid }) => paid.reservationId,
  ],
  [
    'Redis calls an order that was refunded an hour ago paid',
    [7],
    async (sale) => {
      await sql(
        `UPDATE decisions SET decided_at = now() - interval '3 hours' WHERE reservation_id = $1`,
        sale.refunded.reservationId,
      )
      await sql(
        `
      UPDATE orders SET created_at = now() - interval '3 hours', paid_at = now() - interval '2 hours', refunded_at = now() - interval '1 hour'
      WHERE id = $1::uuid`,
        sale.refunded.orderId,
      )
      await changeReservation(world, sale.refunded, { status: 'PAID' })
    },
    ({ refunded }) => refunded.reservationId,
  ],
  [
    'the points of a refunded order stay',
    [6],
    ({ refunded }) => sql('DELETE FROM points_entries WHERE order_id = $1::uuid AND points < 0', refunded.orderId),
    ({ refunded }) => `cancelled or refunded orders whose points do not add up to zero: ${refunded.orderId}`,
  ],
  [
    'less money came than was asked for',
    [5],
    ({ paid }) => sql('UPDATE payments SET amount_cents = 1 WHERE order_id = $1::uuid', paid.orderId),
    ({ paid }) => paid.orderId,
  ],
  [
    'a cancelled unit never went back',
    [7],
    async (sale) => {
      await sql(
        `UPDATE orders SET settled_at = NULL, created_at = now() - interval '2 hours', cancelled_at = now() - interval '1 hour' WHERE id = $1::uuid`,
        sale.cancelled.orderId,
      )
    },
    ({ cancelled }) => cancelled.orderId,
  ],
  [
    'points were granted twice',
    [6],
    ({ paid }) =>
      sql(
        `
    INSERT INTO points_entries (buyer_id, order_id, sale_id, event_id, step, points)
    SELECT buyer_id, order_id, sale_id, event_id, step, points FROM points_entries WHERE order_id = $1::uuid`,
        paid.orderId,
      ),
    () => '1 events that had their effect on points more than once',
  ],
  [
    'a paid order brought no points',
    [6],
    ({ paid }) => sql('DELETE FROM points_entries WHERE order_id = $1::uuid', paid.orderId),
    ({ paid }) => paid.orderId,
  ],
  [
    'points were granted for nothing',
    [6],
    ({ id, unpaid }) =>
      sql(
        `
    INSERT INTO points_entries (buyer_id, order_id, sale_id, event_id, step, points) VALUES ('x', $1::uuid, $2, gen_random_uuid(), 'GRANTED', 5)`,
        unpaid.orderId,
        id,
      ),
    ({ unpaid }) => `unpaid orders with points granted: ${unpaid.orderId}`,
  ],
  [
    'points of an order that never was',
    [6],
    ({ id }) =>
      sql(
        `
    INSERT INTO points_entries (buyer_id, order_id, sale_id, event_id, step, points) VALUES ('x', gen_random_uuid(), $1, gen_random_uuid(), 'GRANTED', 5)`,
        id,
      ),
    () => '1 effects on points of orders that do not exist',
  ],
  [
    'an effect without its inbox row',
    [6],
    ({ paid }) => sql(`DELETE FROM inbox WHERE purpose = 'risk' AND order_id = $1::uuid`, paid.orderId),
    ({ paid }) => paid.orderId,
  ],
  [
    'a paid order was reviewed twice',
    [6],
    ({ paid }) =>
      sql(
        `
    INSERT INTO risk_reviews (order_id, sale_id, event_id, buyer_id, paid_at, rules)
    SELECT order_id, sale_id, event_id, buyer_id, paid_at, rules FROM risk_reviews WHERE order_id = $1::uuid`,
        paid.orderId,
      ),
    () => 'effect on risk more than once',
  ],
  [
    'a paid order was never reviewed',
    [6],
    ({ paid }) => sql('DELETE FROM risk_reviews WHERE order_id = $1::uuid', paid.orderId),
    ({ paid }) => paid.orderId,
  ],
  [
    'a reservation was accepted before its sale opened',
    [9],
    ({ unpaid }) =>
      sql(`UPDATE decisions SET reserved_at = '1969-12-31' WHERE reservation_id = $1`, unpaid.reservationId),
    ({ unpaid }) => unpaid.reservationId,
  ],
  [
    'a reservation was accepted after its sale had closed',
    [9],
    ({ unpaid }) =>
      sql(
        `UPDATE decisions SET reserved_at = now() + interval '2 hours' WHERE reservation_id = $1`,
        unpaid.reservationId,
      ),
    ({ unpaid }) => unpaid.reservationId,
  ],
  [
    'an unpaid order is not cancelled',
    [5],
    ({ unpaid }) =>
      sql(`UPDATE orders SET payment_deadline = now() - interval '1 hour' WHERE id = $1::uuid`, unpaid.orderId),
    ({ unpaid }) => unpaid.orderId,
  ],
]

describe('it calls wrong, and by name:', () => {
  test.each(faults)('%s', async (_what, wrong, plant, named = () => '') => {
    const sale = await goodSale()
    await plant(sale)
    const report = await look(sale.id)
    expect(report.balanced).toBe(false)
    expect({
      wrong: checksThatAre('wrong', report.sales[0]),
      details: report.sales[0]?.checks.map(({ detail }) => detail),
    }).toMatchObject({ wrong })
    expect(
      report.sales[0]?.checks
        .filter(({ state }) => state === 'wrong')
        .map(({ detail }) => detail)
        .join(),
    ).toContain(named(sale))
  })
})

test('an order that was right when it was decided stays right, however the limit and earlier orders change', async () => {
  const ledger = new Ledger(world)
  const saleId = await ledger.sale(1_000)
  let ordered = 0
  for (let n = 0; n < 40; n++) {
    const perBuyerLimit = [10, 4, 12, 1][n % 4] ?? 0
    await world.database.sale.update({ where: { id: saleId }, data: { perBuyerLimit } })
    const one = reservation(saleId, n, { buyerId: 'ann', quantity: 1 + (n % 5) })
    const [verdict] = await placeOrders(world.database, [one], RULES)
    if (verdict?.decision.outcome === 'ORDERED') ordered += 1
    const live = await world.database.order.findMany({ where: { saleId, status: 'PENDING_PAYMENT' } })
    const ended = live[(n * 7) % live.length]
    if (ended && n % 3 > 0) await cancelForBuyer(world.database, ended.id, 'ann')
    const findings = await world.database.$transaction((tx) => findViolations(tx, [saleId], limits))
    expect(findings.filter(({ check }) => check === 4)).toEqual([])
  }
  expect(ordered).toBeGreaterThan(15)
})

test('in a shop of many decisions each rule takes a statement of its own, with the same findings', async () => {
  const [sale, large] = [await goodSale(), await goodSale()]
  await sql('UPDATE decisions SET limit_per_buyer = 0 WHERE reservation_id = $1', sale.paid.reservationId)
  await sql('UPDATE orders SET amount_cents = 1 WHERE id = $1::uuid', sale.paid.orderId)
  const find = () =>
    world.database.$transaction(async (tx) => {
      const query = vi.spyOn(tx, '$queryRaw')
      return { findings: await findViolations(tx, [sale.id], limits), statements: query.mock.calls.length }
    })
  const before = await find()
  expect(new Set(before.findings.map(({ what }) => what)).size).toBeGreaterThan(1)
  expect(before.statements).toBe(2)
  await sql(
    `INSERT INTO decisions (reservation_id, sale_id, buyer_id, quantity, live_units_before, outcome, reason, reserved_at)
     SELECT $1 || '.' || n, $1, 'late ' || n, 1, 0, 'REJECTED', 'SOLD_OUT', now() FROM generate_series(1, 5000) AS n`,
    large.id,
  )
  const after = await find()
  expect(after.findings).toEqual(before.findings)
  expect(after.statements).toBeGreaterThan(40)
  await sql(`DELETE FROM decisions WHERE sale_id = $1 AND buyer_id LIKE 'late %'`, large.id)
})

describe('what is in flight is neither wrong nor quiet:', () => {
  test('a reservation that the broker has not confirmed', async () => {
    const sale = await goodSale()
    await reserve(sale.id)
    const report = await look(sale.id)
    expect(report).toMatchObject({ balanced: true, quiet: false, sales: [{ pending: 1, undecided: 1, redisLeft: 7 }] })
    expect(checksThatAre('in flight', report.sales[0])).toEqual([2, 3])
  })

  test('a cancelled order whose unit is not back yet', async () => {
    const sale = await goodSale()
    await cancelForBuyer(world.database, sale.unpaid.orderId, sale.unpaid.buyerId)
    await sql('DELETE FROM outbox')
    expect(await look(sale.id)).toMatchObject({ balanced: true, quiet: false })
  })

  test('a refunded order whose unit is not back yet', async () => {
    const sale = await goodSale()
    await world.database.$transaction((tx) => refundPaid(tx, sale.paid.orderId, 'VETOED'))
    await sql('DELETE FROM outbox')
    const report = await look(sale.id)
    expect(report).toMatchObject({ balanced: true, quiet: false })
    expect(checksThatAre('in flight', report.sales[0])).toEqual([2, 6, 7])
  })

  test('an event that the subscribers have not come to', async () => {
    const sale = await goodSale()
    await cancelForBuyer(world.database, sale.unpaid.orderId, sale.unpaid.buyerId)
    const seen = async () => (await look(sale.id)).sales[0]?.checks.find(({ id }) => id === 6)
    expect(await seen()).toMatchObject({
      state: 'in flight',
      detail: expect.stringContaining(`points has not handled: ${sale.unpaid.orderId}`) as string,
    })
    await tellSubscribers()
    expect(await seen()).toMatchObject({ state: 'ok' })
  })

  test('messages in the outbox', async () => {
    const sale = await goodSale()
    await sql(`INSERT INTO outbox (size, messages) VALUES (2, '[{}, {}]'), (1, '[{}]')`)
    expect(await look(sale.id)).toMatchObject({ balanced: true, quiet: false, outbox: 3 })
    await sql('DELETE FROM outbox')
  })

  test('a sale whose data Redis has lost', async () => {
    const sale = await goodSale()
    await world.redis.hset(saleKey(sale), 'run_id', 'another')
    await world.redis.hincrby(saleKey(sale), 'stock', 5)
    expect(await look(sale.id)).toMatchObject({ balanced: true, quiet: false, sales: [{ isOpen: false }] })
    await world.redis.del(saleKey(sale))
    expect(await look(sale.id)).toMatchObject({
      balanced: true,
      quiet: false,
      sales: [{ isOpen: false, redisLeft: null }],
    })
  })

  test('a sale that was not brought in yet', async () => {
    const id = `sale-${randomBytes(4).toString('hex')}`
    await world.database.sale.create({
      data: {
        id,
        title: 'x',
        priceCents: 1,
        stock: 1,
        epoch: 0,
        opensAt: new Date(),
        closesAt: new Date(Date.now() + 60_000),
      },
    })
    expect(await look(id)).toMatchObject({ balanced: true, quiet: false, sales: [{ redisLeft: null }] })
  })

  test('a message at the intake', async () => {
    const sale = await goodSale()
    const connection = await connect(world.rabbitmqUrl)
    const channel = await connection.createConfirmChannel()
    await channel.assertQueue(INTAKE)
    channel.sendToQueue(INTAKE, Buffer.from('{}'))
    await channel.waitForConfirms()
    expect(await look(sale.id)).toMatchObject({ balanced: true, quiet: false, queues: { intake: 1 } })
    await channel.deleteQueue(INTAKE)
    await connection.close()
    expect(await look(sale.id)).toMatchObject({ quiet: true, queues: { intake: 0 } })
  })
})

test('many wrong ones are counted, ten are named', async () => {
  const sale = await goodSale()
  for (let i = 0; i < 12; i++) await inventReservation(world, ghost(sale, i), { status: 'ORDERED' })
  const detail = (await look(sale.id)).sales[0]?.checks.find(({ id }) => id === 3)?.detail ?? ''
  expect(detail).toMatch(/^12 reservations .* and 2 more$/)
})

test('what subscribers have forgotten is not missing, and what they have not handled is in flight', async () => {
  const { id, paid } = await goodSale()
  await sql(`DELETE FROM inbox WHERE purpose = 'risk' AND order_id = $1::uuid`, paid.orderId)
  await forgetHandled(world.database, -1, 10_000)
  expect(await world.database.inboxEntry.count()).toBeLessThanOrEqual(2)
  const report = await look(id)
  expect(report).toMatchObject({ balanced: true, quiet: true })
  expect(checksThatAre('ok', report.sales[0])).toContain(6)
  const [later] = await goodSales(1)
  if (!later) throw new Error('Expected a sale')
  await sql(`DELETE FROM inbox WHERE order_id = $1::uuid`, later.unpaid.orderId)
  expect(checksThatAre('in flight', (await look(later.id)).sales[0])).toEqual([6])
})

test('the table fits a terminal of 100 columns, with any ids and figures', async () => {
  const { id } = await goodSale()
  const report = await look(id)
  const [good] = report.sales
  if (!good) throw new Error('Expected the sale in the report')
  const large: SaleAudit = {
    ...good,
    saleId: 'x'.repeat(32),
    stock: 10_000_000,
    sold: 10_000_000,
    redisLeft: 10_000_000,
    undecided: 100_000,
    rejections: 10_000_000,
  }
  const linesOf = (...sales: SaleAudit[]) => formatAudit({ ...report, sales }, false).split('\n')
  expect([...linesOf(good), ...linesOf(good, large)].filter((line) => line.length > 100)).toEqual([])
  expect(linesOf(good)[0]).toMatch(/^sale .* undecided .*  1 2 3 4 5 6 7 8 9$/)
  expect(linesOf(good)[1]).toMatch(new RegExp(`^${id} .*  ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓$`))
  expect(linesOf(large).slice(1, 3)).toEqual([
    'x'.repeat(32),
    expect.stringMatching(/^ +10000000 10000000 10000000 +100000 .*✓$/),
  ])
})
