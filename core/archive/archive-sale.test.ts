import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { formatAudit } from '../../cli/format-audit.ts'
import { openSale } from '../../control-room/open-sale.ts'
import { cancelOrder } from '../../order-service/http/cancel-order.ts'
import { readOrder } from '../../order-service/http/read-order.ts'
import { moneyCounter } from '../../order-service/payments/count-money.ts'
import { paymentOpener } from '../../order-service/payments/open-payment.ts'
import type { PaymentProvider } from '../../order-service/payments/provider.ts'
import { RetryBackoff } from '../../order-service/payments/retry-backoff.ts'
import { sendRefunds } from '../../order-service/payments/send-refunds.ts'
import { Choreography, type Placed } from '../../test/support/choreography.ts'
import { eventually } from '../../test/support/eventually.ts'
import { rules } from '../../test/support/ledger.ts'
import { audit } from '../audit/audit.ts'
import { auditLimits } from '../audit/report.ts'
import { inSequence } from '../orders/inbox.ts'
import { placeOrders } from '../orders/place-orders.ts'
import { rejectAbandoned } from '../orders/reject-abandoned.ts'
import { settleEnded } from '../orders/settle-ended.ts'
import { cancelForBuyer } from '../orders/transitions.ts'
import { createLog } from '../platform/process/log.ts'
import { SaleAdmin } from '../stock/sale-admin.ts'
import { archiveSale, findEndedSales } from './archive-sale.ts'

const log = createLog('test', 'silent')
const limits = auditLimits(120)
const STOCK = 10
const queues = {
  read: async () => ({ intake: 0, waiting: 0, cancellations: 0, deadLetters: 0 }),
  close: async () => {},
}
let shop: Choreography
beforeAll(async () => {
  shop = await Choreography.open()
})
afterAll(() => shop.close())

const sql = (statement: string, ...values: unknown[]) => shop.world.database.$executeRawUnsafe(statement, ...values)
const archive = (saleId: string, batch?: number) => archiveSale({ ...shop.world, limits }, saleId, batch)
const auditOf = (saleId?: string) => audit({ ...shop.world, queues, limits }, saleId)

const TABLES = [
  'sales decisions orders payments refunds sagas inbox coupon_entries points_entries risk_reviews',
  'sale_seconds sale_totals',
].flatMap((line) => line.split(' '))

/** How many rows each table of that schema has. */
async function rowsIn(schema: 'public' | 'archive'): Promise<Record<string, number>> {
  const counts = TABLES.map((table) => `(SELECT count(*)::int FROM ${schema}.${table}) AS ${table}`)
  const [rows] = await shop.world.database.$queryRawUnsafe<[Record<string, number>]>(`SELECT ${counts.join()}`)
  return rows
}

const difference = (more: Record<string, number>, less: Record<string, number>) =>
  Object.fromEntries(TABLES.map((table) => [table, (more[table] ?? 0) - (less[table] ?? 0)]))

interface EndedSale {
  id: string
  paid: Placed
  cancelled: Placed
  refunded: Placed
  rejected: string
}

/** Its buyer has paid with a coupon and points; others have cancelled or were refunded. It ended two days ago. */
async function endedSale(buyerId: string = randomUUID()): Promise<EndedSale> {
  const { database, stock } = shop.world
  const id = await shop.ledger.sale(STOCK)
  await shop.givePoints(buyerId, 50)
  const paid = await shop.place({ couponCode: await shop.coupon(100), points: 30 }, { saleId: id, buyerId })
  const [cancelled, refunded] = [await shop.place({}, { saleId: id }), await shop.place({}, { saleId: id })]
  await shop.settle()
  for (const { orderId } of [paid, refunded]) await shop.pay(orderId)
  // The link to pay is out: its money may come at any time.
  await database.payment.create({ data: { id: cancelled.orderId, orderId: cancelled.orderId, amountCents: 500 } })
  await cancelForBuyer(database, cancelled.orderId, cancelled.buyerId)
  await shop.ledger.refund(refunded.orderId)
  const rejected = `${id}.rejected`
  const late = { reservationId: rejected, saleId: id, buyerId: 'late', quantity: 1, epoch: 1, reservedAtMs: Date.now() }
  await rejectAbandoned(database, [late])
  await shop.settle()
  await sql(`UPDATE refunds SET completed_at = now() WHERE completed_at IS NULL`)
  await sql(`INSERT INTO sale_totals (sale_id, created) VALUES ($1, 3)`, id)
  await sql(`INSERT INTO sale_seconds (sale_id, second, created) VALUES ($1, now(), 3)`, id)
  await sql(
    `UPDATE sales SET opens_at = now() - interval '3 days', closes_at = now() - interval '2 days' WHERE id = $1`,
    id,
  )
  await sql(`UPDATE decisions SET reserved_at = now() - interval '49 hours' WHERE sale_id = $1`, id)
  await settleEnded({ database, stock, log })
  return { id, paid, cancelled, refunded, rejected }
}

test('an ended sale moves with all that belongs to it, and is audited in the archive as it was before', async () => {
  const { id } = await endedSale()
  const live = await shop.ledger.sale(STOCK)
  await shop.place({}, { saleId: live })
  const [before, archivedBefore] = [await rowsIn('public'), await rowsIn('archive')]
  const [auditedBefore] = (await auditOf(id)).sales

  const archiving = await archive(id)
  expect(archiving).toEqual({ outcome: 'ARCHIVED', rows: expect.any(Number) as number })

  const [after, archived] = [await rowsIn('public'), await rowsIn('archive')]
  const moved = difference(archived, archivedBefore)
  expect(moved).toMatchObject({ sales: 1, decisions: 4, orders: 3, payments: 3, refunds: 1, sale_totals: 1 })
  expect(Object.entries(moved).filter(([, rows]) => rows === 0)).toEqual([])
  expect(archiving).toMatchObject({ rows: Object.values(moved).reduce((sum, rows) => sum + rows) })
  // The balance of the one buyer with points stays, in one entry; points given belong to no sale.
  expect(difference(before, after)).toEqual({ ...moved, points_entries: (moved.points_entries ?? 0) - 1 })

  const report = await auditOf(id)
  expect(report).toMatchObject({ balanced: true, quiet: true })
  expect(report.sales).toEqual([{ ...auditedBefore, archivedAt: expect.any(String) as string }])
  expect(formatAudit(report, false)).toContain(`${id} is archived since `)
  expect((await auditOf()).sales.map(({ saleId }) => saleId)).not.toContain(id)
  expect(await archive(id)).toEqual({ outcome: 'ARCHIVED_BEFORE' })
  expect(await archive('sale-that-never-was')).toEqual({ outcome: 'NO_SUCH_SALE' })
})

test('the audit of an archived sale names what is wrong there', async () => {
  const { id, paid } = await endedSale()
  await archive(id)
  await sql('DELETE FROM archive.payments WHERE order_id = $1::uuid', paid.orderId)
  const report = await auditOf(id)
  expect(report.balanced).toBe(false)
  expect(report.sales[0]?.checks.find(({ id: check }) => check === 5)?.detail).toContain(paid.orderId)
})

test('a buyer keeps their points when the sales in which they got them are archived', async () => {
  const buyerId = randomUUID()
  const sales = [await endedSale(buyerId), await endedSale(buyerId)]
  const points = await shop.pointsOf(buyerId)
  expect(points).toBeGreaterThan(0)
  for (const { id } of sales) {
    await archive(id)
    expect(await shop.pointsOf(buyerId)).toBe(points)
  }
  const steps = await shop.world.database.pointsEntry.findMany({ where: { buyerId }, orderBy: { id: 'asc' } })
  expect(steps.map(({ step }) => step)).toEqual(['GIVEN', 'GIVEN', 'CARRIED_OVER'])
})

type Obstacle = [what: string, sentence: RegExp, put: (sale: EndedSale) => Promise<unknown>]
const obstacles: Obstacle[] = [
  [
    'ended less than a day ago',
    /^Redis keeps it for a day after its end; it can be archived from .*Z on$/,
    ({ id }) => sql(`UPDATE sales SET closes_at = now() - interval '23 hours' WHERE id = $1`, id),
  ],
  [
    'had a window that ended less than a day ago',
    /^Redis keeps it for a day/,
    ({ id }) => sql(`UPDATE sales SET latest_closes_at = now() - interval '23 hours' WHERE id = $1`, id),
  ],
  [
    'has an unpaid order',
    /^unpaid orders: 1$/,
    ({ cancelled }) =>
      sql(`UPDATE orders SET status = 'PENDING_PAYMENT', cancelled_at = NULL WHERE id = $1::uuid`, cancelled.orderId),
  ],
  [
    'has an order that is not settled',
    /^ended orders that are not settled: 1$/,
    ({ refunded }) => sql('UPDATE orders SET settled_at = NULL WHERE id = $1::uuid', refunded.orderId),
  ],
  [
    'has a refund that is not sent',
    /^refunds that the payment provider has not taken: 1$/,
    ({ refunded }) =>
      sql(
        'UPDATE refunds SET completed_at = NULL FROM payments p WHERE p.id = payment_id AND p.order_id = $1::uuid',
        refunded.orderId,
      ),
  ],
  [
    'has an event in the outbox',
    /^events in the outbox: 1$/,
    ({ id }) =>
      sql(
        `INSERT INTO outbox (size, messages) VALUES (1, json_build_array(json_build_object('message', json_build_object('saleId', $1::text))))`,
        id,
      ),
  ],
  [
    'has an event that a subscriber has not handled',
    /^orders with an event that the subscriber risk has not handled: 1$/,
    ({ paid }) => sql(`DELETE FROM inbox WHERE purpose = 'risk' AND order_id = $1::uuid`, paid.orderId),
  ],
  [
    'has an event that a subscriber has not handled in sequence',
    /^orders with an event that the subscriber points has not handled: 1$/,
    ({ paid }) =>
      sql(
        `DELETE FROM inbox WHERE purpose = 'points' AND order_id = $1::uuid AND sequence = (SELECT sequence FROM orders WHERE id = $1::uuid)`,
        paid.orderId,
      ),
  ],
  [
    'has an open saga',
    /^the audit finds rule 5 wrong: .*1 sagas under way/,
    ({ cancelled }) =>
      sql(
        `INSERT INTO sagas (order_id, sale_id, state, step, due_at) SELECT id, sale_id, 'DONE', 'order.created', now() FROM orders WHERE id = $1::uuid`,
        cancelled.orderId,
      ),
  ],
  [
    'is not balanced',
    /^the audit finds rule 1 wrong: /,
    ({ id }) => sql('UPDATE sales SET sold = sold + 1 WHERE id = $1', id),
  ],
  [
    'is still in Redis',
    /^ledgers in Redis that have not expired: 1$/,
    ({ id }) => shop.world.redis.hset(shop.world.stock.keys.sale(id), 'epoch', 2, 'stock', 1),
  ],
  [
    'has a reservation that is undecided in Redis',
    /^undecided reservations in Redis: 1$/,
    ({ id }) => shop.world.redis.zadd(shop.world.stock.keys.undecided(id), 1, `${id}.undecided`),
  ],
  [
    'has a pending entry',
    /^pending entries in Redis: 1$/,
    ({ id }) => shop.world.redis.zadd(shop.world.stock.keys.pending(id), 1, 'pending buyer'),
  ],
]

test.each(obstacles)('nothing moves of a sale that %s, and the reason is given', async (_, sentence, put) => {
  const sale = await endedSale()
  await put(sale)
  const before = [await rowsIn('public'), await rowsIn('archive')]
  const archiving = await archive(sale.id)
  await sql('DELETE FROM outbox')
  expect(archiving).toEqual({ outcome: 'REFUSED', obstacles: [expect.stringMatching(sentence)] })
  expect([await rowsIn('public'), await rowsIn('archive')]).toEqual(before)
})

test('messages of an archived sale meet their first decision, or are too late, and leave no row', async () => {
  const { id, paid, rejected } = await endedSale()
  await archive(id)
  const before = [await rowsIn('public'), await rowsIn('archive')]
  const message = { saleId: id, buyerId: paid.buyerId, quantity: 1, epoch: 1, reservedAtMs: Date.now() }
  const ids = [paid.reservationId, rejected, `${id}.neverDecided`]
  const verdicts = await placeOrders(
    shop.world.database,
    ids.map((reservationId) => ({ ...message, reservationId })),
    rules,
  )
  expect(verdicts).toMatchObject([
    { isNew: false, decision: { outcome: 'ORDERED', orderId: paid.orderId } },
    { isNew: false, decision: { outcome: 'REJECTED', reason: 'EXPIRED' } },
    { isNew: false, decision: { outcome: 'REJECTED', reason: 'EXPIRED' } },
  ])
  expect([await rowsIn('public'), await rowsIn('archive')]).toEqual(before)
  expect(await shop.world.database.outboxEntry.count()).toBe(0)
})

test('money for an order of an archived sale is refunded once, and a repeated callback is answered', async () => {
  const { id, paid, cancelled } = await endedSale()
  await archive(id)
  const { database } = shop.world
  const money = { paymentId: cancelled.orderId, orderId: cancelled.orderId, amountCents: 500, providerRef: 'late' }
  const countMoney = moneyCounter({ database, stock: shop.world.stock, log })
  // One that is not archived in the same batch.
  const live = await shop.place()
  const open = { paymentId: randomUUID(), orderId: live.orderId, amountCents: 500, providerRef: 'live' }
  await database.payment.create({ data: { id: open.paymentId, orderId: live.orderId, amountCents: 500 } })
  expect(await Promise.all([{ ...money, amountCents: 1 }, open, money].map(countMoney))).toMatchObject([
    { outcome: 'WRONG_AMOUNT' },
    { outcome: 'PAID', reservationId: live.reservationId },
    { outcome: 'REFUND_DUE', status: 'CANCELLED' },
  ])
  expect(await countMoney(money)).toEqual({ outcome: 'ALREADY_COUNTED' })
  const [counted] = await database.$queryRaw<{ id: string; cents: number }[]>`
    SELECT id, amount_cents AS cents FROM archive.payments WHERE order_id = ${paid.orderId}::uuid`
  const again = { paymentId: counted?.id ?? '', orderId: paid.orderId, amountCents: counted?.cents ?? 0 }
  expect(await countMoney({ ...again, providerRef: 'x' })).toMatchObject({ outcome: 'ALREADY_COUNTED' })
  expect(await countMoney({ ...money, paymentId: randomUUID() })).toEqual({ outcome: 'UNKNOWN_PAYMENT' })

  const taken: unknown[] = []
  const provider = { refund: async (refund: unknown) => void taken.push(refund) } as unknown as PaymentProvider
  for (let run = 0; run < 2; run++) await sendRefunds({ database, provider, log }, new RetryBackoff(1_000, 60_000))
  expect(taken).toMatchObject([{ paymentId: cancelled.orderId, providerRef: 'late', amountCents: 500 }])
  expect(await auditOf(id)).toMatchObject({ balanced: true })
})

test('the archiver begins when no subscriber is at work', async () => {
  const { id } = await endedSale()
  const { database } = shop.world
  let archiving: Promise<unknown> = Promise.resolve()
  await database.$transaction(
    async (tx) => {
      await inSequence(tx, await database.subscription.findUniqueOrThrow({ where: { name: 'risk' } }), [])
      archiving = archive(id)
      await eventually(
        'the archiver to wait',
        () => shop.ledger.waitingForLocks(),
        (waiting) => waiting === 1,
      )
      expect(await database.sale.count({ where: { id } })).toBe(1)
    },
    { timeout: 60_000 },
  )
  expect(await archiving).toMatchObject({ outcome: 'ARCHIVED' })
})

/** Ends with some of its orders in the archive, and the others not. */
async function archiveInPart({ id, ...placed }: EndedSale): Promise<{ left: Placed; moved: Placed }> {
  const orders = [placed.paid, placed.cancelled, placed.refunded].toSorted((one, other) =>
    one.reservationId < other.reservationId ? -1 : 1,
  )
  const [moved, , left] = orders as [Placed, Placed, Placed]
  await shop.world.database.$transaction(
    async (tx) => {
      await tx.$executeRaw`SELECT FROM orders WHERE id = ${left.orderId}::uuid FOR UPDATE`
      const archiving = archive(id, 1).catch((error: Error) => error.message)
      await eventually(
        'the archiver to wait',
        () => shop.ledger.waitingForLocks(),
        (waiting) => waiting === 1,
      )
      await tx.$executeRaw`
        SELECT pg_cancel_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'`
      expect(await archiving).toContain('canceling statement')
    },
    { timeout: 60_000 },
  )
  const inArchive = (orderId: string) =>
    shop.world.database.$queryRaw<object[]>`SELECT FROM archive.orders WHERE id = ${orderId}::uuid`
  expect([await inArchive(moved.orderId), await inArchive(left.orderId)]).toEqual([[{}], []])
  return { moved, left }
}

test('a sale that is archived in part is audited as a whole, and its orders are read wherever they are', async () => {
  const sale = await endedSale()
  const [before] = (await auditOf(sale.id)).sales
  const { moved, left } = await archiveInPart(sale)
  expect(await auditOf(sale.id)).toMatchObject({ balanced: true, quiet: true, sales: [before] })
  // The connection's next audit is of the live tables again.
  expect((await auditOf()).sales.map(({ saleId }) => saleId)).not.toContain(sale.id)
  const { database } = shop.world
  const message = { saleId: sale.id, quantity: 1, epoch: 1, reservedAtMs: Date.now() }
  for (const { orderId, reservationId, buyerId } of [moved, left]) {
    expect(await readOrder(database, orderId, buyerId)).toMatchObject({ id: orderId })
    expect(await placeOrders(database, [{ ...message, reservationId, buyerId }], rules)).toMatchObject([
      { isNew: false, decision: { outcome: 'ORDERED', orderId } },
    ])
  }
  await sql('DELETE FROM archive.decisions WHERE reservation_id = $1', moved.reservationId)
  expect(await auditOf(sale.id)).toMatchObject({ balanced: false })
})

test('a sale that is archived in part is archived to its end by a re-run', async () => {
  const sale = await endedSale()
  const points = await shop.pointsOf(sale.paid.buyerId)
  await archiveInPart(sale)
  expect(await findEndedSales(shop.world.database, 10_000)).toContain(sale.id)
  expect(await archive(sale.id, 1)).toMatchObject({ outcome: 'ARCHIVED' })
  expect(await archive(sale.id)).toEqual({ outcome: 'ARCHIVED_BEFORE' })
  expect(await findEndedSales(shop.world.database, 10_000)).not.toContain(sale.id)
  const [left] = await shop.world.database.$queryRaw<object[]>`
    SELECT (SELECT count(*)::int FROM decisions WHERE sale_id = ${sale.id}) AS decisions,
      (SELECT count(*)::int FROM orders WHERE sale_id = ${sale.id}) AS orders,
      (SELECT count(*)::int FROM sale_totals WHERE sale_id = ${sale.id}) AS totals`
  expect(left).toEqual({ decisions: 0, orders: 0, totals: 0 })
  expect(await auditOf(sale.id)).toMatchObject({ balanced: true })
  expect(await shop.pointsOf(sale.paid.buyerId)).toBe(points)
})

test('money that arrives while its order is archived is refunded', async () => {
  const { id, cancelled, refunded } = await endedSale()
  const { database } = shop.world
  let counting: Promise<unknown> = Promise.resolve()
  await database.$transaction(
    async (tx) => {
      // Holds the archiver up while it moves refunds, before it moves payments.
      await tx.$executeRaw`
        SELECT FROM refunds r JOIN payments p ON p.id = r.payment_id WHERE p.order_id = ${refunded.orderId}::uuid
        FOR UPDATE OF r`
      counting = archive(id)
      await eventually(
        'the archiver to wait',
        () => shop.ledger.waitingForLocks(),
        (waiting) => waiting === 1,
      )
      const money = { paymentId: cancelled.orderId, orderId: cancelled.orderId, amountCents: 500, providerRef: 'now' }
      counting = Promise.all([counting, moneyCounter({ database, stock: shop.world.stock, log })(money)])
      await eventually(
        'the money to wait',
        () => shop.ledger.waitingForLocks(),
        (waiting) => waiting === 2,
      )
    },
    { timeout: 60_000 },
  )
  expect(await counting).toMatchObject([{ outcome: 'ARCHIVED' }, { outcome: 'REFUND_DUE', status: 'CANCELLED' }])
  const refunds = await database.$queryRaw`
    SELECT FROM archive.refunds r JOIN archive.payments p ON p.id = r.payment_id
    WHERE p.order_id = ${cancelled.orderId}::uuid`
  expect(refunds).toHaveLength(1)
})

test('the archiver takes turns with those who place and end orders of the sale', async () => {
  const { id, refunded } = await endedSale()
  let archiving: Promise<unknown> = Promise.resolve()
  await shop.world.database.$transaction(
    async (tx) => {
      await tx.$executeRaw`SELECT FROM sales WHERE id = ${id} FOR UPDATE`
      archiving = archive(id)
      await eventually(
        'the archiver to wait',
        () => shop.ledger.waitingForLocks(),
        (waiting) => waiting === 1,
      )
      await tx.$executeRaw`UPDATE orders SET settled_at = NULL WHERE id = ${refunded.orderId}::uuid`
    },
    { timeout: 60_000 },
  )
  expect(await archiving).toEqual({ outcome: 'REFUSED', obstacles: ['ended orders that are not settled: 1'] })
})

test('an event of an archived sale has no effect a second time', async () => {
  const { id, paid } = await endedSale()
  const events = shop.published.filter(({ saleId }) => saleId === id)
  await archive(id)
  const before = [await rowsIn('public'), await rowsIn('archive')]
  for (const name of ['coupon', 'points', 'risk', 'saga']) {
    const subscription = await shop.world.database.subscription.findUniqueOrThrow({ where: { name } })
    expect(await inSequence(shop.world.database, subscription, events)).toEqual({ ready: [], early: [], forgotten: [] })
  }
  await shop.repeat(events)
  expect([await rowsIn('public'), await rowsIn('archive')]).toEqual(before)
  expect(await readOrder(shop.world.database, paid.orderId, paid.buyerId)).toMatchObject({ status: 'PAID' })
})

test('a buyer still sees their archived order, and can neither pay nor cancel it', async () => {
  const { id, paid, cancelled } = await endedSale()
  const { database, stock } = shop.world
  const before = await readOrder(database, paid.orderId, paid.buyerId)
  await archive(id)
  const after = await readOrder(database, paid.orderId, paid.buyerId)
  expect(after).toEqual({ ...before, serverTime: after?.serverTime })
  expect(await readOrder(database, paid.orderId, 'another buyer')).toBeUndefined()
  const deps = { database, stock, log, onChange: () => {}, provider: {} as PaymentProvider, currency: 'CNY' }
  expect(await paymentOpener(deps)(cancelled)).toMatchObject({
    outcome: 'NOT_PAYABLE',
    status: 'CANCELLED',
  })
  expect(await cancelOrder(deps, paid.orderId, paid.buyerId)).toMatchObject({
    outcome: 'NOT_CANCELLABLE',
    status: 'PAID',
  })
  expect((await cancelOrder(deps, cancelled.orderId, cancelled.buyerId)).outcome).toBe('CANCELLED')
})

test('no sale is made under the id of an archived one', async () => {
  const { id } = await endedSale()
  await archive(id)
  const { database, stock, redis, keyPrefix } = shop.world
  const sale = {
    id,
    title: 'Again',
    priceCents: 1,
    stock: 1,
    perBuyerLimit: 1,
    opensAt: new Date(),
    closesAt: new Date(8e12),
  }
  expect(await openSale({ database, stock, saleAdmin: new SaleAdmin(redis, keyPrefix) }, sale as never)).toBeUndefined()
  expect(await database.sale.count({ where: { id } })).toBe(0)
})

test('tables of the archive have the columns of their partners, in their order', async () => {
  const columnsOf = (schema: string) => shop.world.database.$queryRaw<{ column: string }[]>`
    SELECT table_name || '.' || column_name || ' ' || udt_name || ' ' || is_nullable AS column
    FROM information_schema.columns WHERE table_schema = ${schema} AND table_name = ANY(${TABLES})
    ORDER BY table_name, ordinal_position`
  const archived = (await columnsOf('archive')).filter(({ column }) => !column.startsWith('sales.archived_at'))
  expect(archived).toEqual(await columnsOf('public'))
})
