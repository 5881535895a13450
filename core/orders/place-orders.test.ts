import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually } from '../../test/support/eventually.ts'
import { Ledger, reservation, rules } from '../../test/support/ledger.ts'
import { inParallel } from '../../test/support/parallel.ts'
import { createWorld, type World } from '../../test/support/world.ts'
import { type Reservation, TimeoutMessage } from '../contracts/messages.ts'
import { isDataError, type Transaction } from '../platform/stores/database.ts'
import { buyerOfSale, decide, type Facts, type Verdict } from './decide.ts'
import { placeOrders } from './place-orders.ts'
import { rejectAbandoned } from './reject-abandoned.ts'
import { readFacts } from './read-facts.ts'
import { recordVerdicts } from './record-verdicts.ts'
import { cancelForBuyer } from './transitions.ts'

let world: World
let ledger: Ledger
beforeAll(async () => {
  world = await createWorld()
  ledger = new Ledger(world)
})
afterAll(async () => {
  await world.close()
})

/** A verdict that no rule was asked about. */
const ordered = (one: Reservation): Verdict => ({
  reservation: one,
  decision: { outcome: 'ORDERED', orderId: randomUUID() },
  isNew: true,
  limitPerBuyer: 10,
  priceCents: 500,
})
const read = (reservations: Reservation[]) => world.database.$transaction((tx) => readFacts(tx, reservations))
const record = (verdicts: Verdict[], facts: Facts) =>
  world.database.$transaction((tx) => recordVerdicts(tx, verdicts, facts, rules))
const lock = (tx: Transaction, saleId: string) =>
  tx.$queryRaw`SELECT id FROM sales WHERE id = ${saleId} FOR UPDATE NOWAIT`

describe('placing', () => {
  test('writes order, decision, counter, event and timeout together', async () => {
    const saleId = await ledger.sale(10)
    await placeOrders(world.database, [reservation(saleId, 1, { quantity: 3 })], rules)
    const order = await ledger.orderOf(`${saleId}.1`)
    expect(order).toMatchObject({ status: 'PENDING_PAYMENT', quantity: 3, amountCents: 1_500, sequence: 1 })
    expect(order.paymentDeadline.getTime() - order.createdAt.getTime()).toBe(rules.paymentWindowMs)
    expect(await ledger.sold(saleId)).toBe(3)
    expect(await ledger.eventsOf(`${saleId}.1`)).toEqual(['1 order.created'])
    expect(await ledger.timeouts()).toContainEqual([order.id])
  })

  test('an order of which nothing is to be paid is paid as it is placed, once, and one that may cost something is not', async () => {
    const [free, priced] = [await ledger.sale(5, undefined, 0), await ledger.sale(5)]
    const batch = [reservation(free, 1), reservation(priced, 1), reservation(free, 2, { points: 5 })]
    const verdicts = await placeOrders(world.database, batch, rules)
    expect(verdicts.map(({ isPaid = false }) => isPaid)).toEqual([true, false, false])
    expect(await placeOrders(world.database, batch, rules)).toMatchObject(
      verdicts.map(({ decision }) => ({ decision, isNew: false })),
    )
    expect(await ledger.orderOf(`${free}.1`)).toMatchObject({
      status: 'PAID',
      amountCents: 0,
      sequence: 2,
      paidAt: expect.any(Date) as Date,
    })
    expect(await ledger.eventsOf(`${free}.1`)).toEqual(['1 order.created', '2 order.paid'])
    expect(await ledger.orderOf(`${priced}.1`)).toMatchObject({ status: 'PENDING_PAYMENT', sequence: 1 })
    // Its saga makes the price.
    expect(await ledger.orderOf(`${free}.2`)).toMatchObject({ status: 'PENDING_PAYMENT', sequence: 1 })
    const { id } = await ledger.orderOf(`${free}.1`)
    expect(await cancelForBuyer(world.database, id, 'buyer-1')).toHaveLength(0)
    expect(await ledger.refund(id)).toMatchObject({ sequence: 3 })
    expect([
      await ledger.sold(free),
      await ledger.refundsOf(id),
      await world.database.payment.count({ where: { orderId: id } }),
    ]).toEqual([1, 0, 0])
  })

  test('the database takes no price that an order could not hold', async () => {
    for (const [priceCents, perBuyerLimit, stock] of [
      [2 ** 30, 2, 1],
      [-1, 1, 1],
      [2 ** 31 - 1, 1, 2 ** 22 + 1],
    ] as const) {
      const data = {
        id: `dear-${randomUUID().slice(0, 8)}`,
        title: 'A sale',
        priceCents,
        perBuyerLimit,
        stock,
        opensAt: new Date(0),
        closesAt: new Date(),
      }
      await expect(world.database.sale.create({ data })).rejects.toThrow(/sales_price/)
    }
  })

  test('the same reservation through several services at once is decided once', async () => {
    const saleId = await ledger.sale(5)
    const verdicts = await inParallel(8, 8, () =>
      placeOrders(world.database, [reservation(saleId, 1), reservation(saleId, 2)], rules),
    )
    expect(verdicts.flat().filter((verdict) => verdict.isNew)).toHaveLength(2)
    expect(new Set(verdicts.map(([first]) => JSON.stringify(first?.decision))).size).toBe(1)
    expect(await ledger.sold(saleId)).toBe(2)
  })

  test('services that together want more than the stock get exactly the stock', async () => {
    const saleId = await ledger.sale(25)
    await inParallel(10, 10, (i) =>
      placeOrders(
        world.database,
        Array.from({ length: 5 }, (_, j) => reservation(saleId, i * 5 + j)),
        rules,
      ),
    )
    expect(await ledger.sold(saleId)).toBe(25)
    expect(await world.database.order.count({ where: { saleId } })).toBe(25)
    expect(await world.database.decision.count({ where: { saleId, reason: 'SOLD_OUT' } })).toBe(25)
  })

  test('what cannot be told of is not done: orders and their messages are written together or not at all', async () => {
    const saleId = await ledger.sale(5)
    await placeOrders(world.database, [reservation(saleId, 1)], rules)
    const { id } = await ledger.orderOf(`${saleId}.1`)
    await world.database.$executeRaw`ALTER TABLE outbox RENAME TO away`
    await expect(placeOrders(world.database, [reservation(saleId, 2)], rules)).rejects.toThrow(/outbox/)
    await expect(cancelForBuyer(world.database, id, 'buyer-1')).rejects.toThrow(/outbox/)
    await world.database.$executeRaw`ALTER TABLE away RENAME TO outbox`
    expect(await world.database.order.findMany({ where: { saleId } })).toMatchObject([
      { id, status: 'PENDING_PAYMENT' },
    ])
    expect(await ledger.sold(saleId)).toBe(1)
  })

  test('a batch of several sales moves each counter by its own units, in any order that the services take them in', async () => {
    const saleIds = [await ledger.sale(1_000), await ledger.sale(1_000)]
    await inParallel(12, 6, (i) => {
      const batch = saleIds.flatMap((saleId, s) =>
        Array.from({ length: 5 + s }, (_, j) => reservation(saleId, i * 10 + j, { quantity: 2 })),
      )
      return placeOrders(world.database, i % 2 === 0 ? batch : batch.reverse(), rules)
    })
    expect(await Promise.all(saleIds.map(ledger.sold))).toEqual([12 * 5 * 2, 12 * 6 * 2])
  })

  test('what is decided while a batch waits for its sale is known to it', async () => {
    const saleId = await ledger.sale(5)
    const earlier: Verdict = {
      reservation: reservation(saleId, 1),
      decision: { outcome: 'REJECTED', reason: 'EXPIRED' },
      isNew: true,
    }
    const placed = await world.database.$transaction(async (tx) => {
      await lock(tx, saleId)
      const placing = placeOrders(world.database, [reservation(saleId, 1), reservation(saleId, 2)], rules)
      await eventually(
        'the batch to wait',
        () => ledger.waitingForLocks(),
        (count) => count === 1,
      )
      await recordVerdicts(tx, [earlier], await readFacts(tx, [earlier.reservation]), rules)
      return { placing }
    })
    expect(await placed.placing).toMatchObject([
      { decision: earlier.decision, isNew: false },
      { decision: { outcome: 'ORDERED' }, isNew: true },
    ])
  })

  test('sales are locked in the order of their ids, so that services cannot deadlock', async () => {
    const [second, first] = [await ledger.sale(5, 'locked-b'), await ledger.sale(5, 'locked-a')]
    const placed = await world.database.$transaction(async (tx) => {
      await lock(tx, first)
      const placing = placeOrders(world.database, [reservation(second, 1), reservation(first, 1)], rules)
      await eventually(
        'the batch to wait',
        () => ledger.waitingForLocks(),
        (count) => count === 1,
      )
      await lock(tx, second)
      return { placing }
    })
    expect(await placed.placing).toHaveLength(2)
  })

  test('many orders of a batch share few timeout messages', async () => {
    const saleId = await ledger.sale(300)
    const verdicts = await placeOrders(
      world.database,
      Array.from({ length: 300 }, (_, i) => reservation(saleId, i)),
      rules,
    )
    const orderIds = new Set(verdicts.map(({ decision }) => (decision.outcome === 'ORDERED' ? decision.orderId : '')))
    const timeouts = (await ledger.timeouts()).filter(([first = '']) => orderIds.has(first))
    expect(timeouts.map((ids) => ids.length)).toEqual([256, 44])
    expect(new Set(timeouts.flat())).toEqual(orderIds)
    for (const orderIds of timeouts) expect(TimeoutMessage.safeParse({ v: 2, orderIds }).success).toBe(true)
  })

  test('a buyer on the blacklist gets no order', async () => {
    const saleId = await ledger.sale(5)
    await world.database.blacklistEntry.create({ data: { buyerId: 'scalper', reason: 'bought to resell' } })
    const [verdict] = await placeOrders(world.database, [reservation(saleId, 1, { buyerId: 'scalper' })], rules)
    expect(verdict?.decision).toEqual({ outcome: 'REJECTED', reason: 'NOT_ELIGIBLE' })
    expect(await ledger.eventsOf(`${saleId}.1`)).toEqual(['1 reservation.rejected'])
    expect(await ledger.sold(saleId)).toBe(0)
  })

  test('a sale that has no room for a batch rolls the whole batch back, and says why', async () => {
    const saleId = await ledger.sale(3)
    await placeOrders(world.database, [reservation(saleId, 1)], rules)
    const waiting = (await ledger.messages()).length
    const reservations = [2, 3, 4].map((n) => reservation(saleId, n))
    await expect(record(reservations.map(ordered), await read(reservations))).rejects.toThrow(
      /has no room for its new orders/,
    )
    expect(await ledger.sold(saleId)).toBe(1)
    expect(await world.database.decision.count({ where: { saleId } })).toBe(1)
    expect(await ledger.messages()).toHaveLength(waiting)
  })

  test('what was decided on facts that are out of date is rolled back, also when there is room', async () => {
    const saleId = await ledger.sale(5)
    const late = [reservation(saleId, 2)]
    const facts = await read(late)
    await placeOrders(world.database, [reservation(saleId, 1)], rules)
    const verdicts = decide(late, facts, rules.reservationLifetimeMs)
    await expect(record(verdicts, facts)).rejects.toThrow(/got others since its facts were read/)
    await cancelForBuyer(world.database, (await ledger.orderOf(`${saleId}.1`)).id, 'buyer-1')
    await expect(record(verdicts, facts)).rejects.toThrow(/got others since its facts were read/)
    expect([await ledger.sold(saleId), await world.database.decision.count({ where: { saleId } })]).toEqual([0, 1])
  })

  test('the database itself refuses what no service should ever ask', async () => {
    const saleId = await ledger.sale(1)
    await placeOrders(world.database, [reservation(saleId, 1)], rules)
    const { id: _id, ...copy } = await ledger.orderOf(`${saleId}.1`)
    await expect(world.database.sale.update({ where: { id: saleId }, data: { sold: 2 } })).rejects.toThrow(
      /sales_sold_within_stock/,
    )
    await expect(world.database.order.create({ data: { ...copy, id: randomUUID() } })).rejects.toThrow(/reservation_id/)
  })
})

describe('the limit per buyer', () => {
  /** Of the first buyer, so many units each. */
  const purchases = (saleId: string, quantities: number[], first = 1) =>
    quantities.map((quantity, i) => reservation(saleId, first + i, { buyerId: 'buyer-1', quantity }))
  const place = async (reservations: Reservation[]) =>
    (await placeOrders(world.database, reservations, rules)).map(({ decision }) =>
      decision.outcome === 'ORDERED' ? 'ORDERED' : decision.reason,
    )
  const idOf = async (saleId: string, n: number) => (await ledger.orderOf(`${saleId}.${n}`)).id
  const MIXED = Array.from({ length: 100 }, (_, i) => 1 + (i % 3))

  test('a buyer buys several times up to the limit, and again what was cancelled or refunded', async () => {
    const saleId = await ledger.sale(20)
    expect(await place(purchases(saleId, [4, 3]))).toEqual(['ORDERED', 'ORDERED'])
    expect(await place(purchases(saleId, [4, 3, 1], 3))).toEqual(['NOT_ELIGIBLE', 'ORDERED', 'NOT_ELIGIBLE'])
    await cancelForBuyer(world.database, await idOf(saleId, 1), 'buyer-1')
    expect(await place(purchases(saleId, [5, 4], 6))).toEqual(['NOT_ELIGIBLE', 'ORDERED'])
    await ledger.pay(await idOf(saleId, 2))
    expect(await place(purchases(saleId, [1], 8))).toEqual(['NOT_ELIGIBLE'])
    await ledger.refund(await idOf(saleId, 2))
    expect(await place(purchases(saleId, [3, 1], 9))).toEqual(['ORDERED', 'NOT_ELIGIBLE'])
    expect(await ledger.sold(saleId)).toBe(10)
  })

  test('each decision says how many units its buyer had', async () => {
    const saleId = await ledger.sale(20)
    await place(purchases(saleId, [4]))
    await place([...purchases(saleId, [7, 2, 3], 2), reservation(saleId, 9)])
    const decisions = await world.database.decision.findMany({ where: { saleId }, orderBy: { reservationId: 'asc' } })
    expect(decisions.map(({ liveUnitsBefore, outcome }) => `${liveUnitsBefore} ${outcome}`)).toEqual([
      '0 ORDERED',
      '4 REJECTED',
      '4 ORDERED',
      '6 ORDERED',
      '0 ORDERED',
    ])
  })

  test('100 reservations of one buyer in one batch end at the limit exactly', async () => {
    const saleId = await ledger.sale(1_000)
    await place(purchases(saleId, MIXED))
    expect(await ledger.sold(saleId)).toBe(10)
  })

  test('100 reservations of one buyer through several services at once end at the limit exactly', async () => {
    const saleId = await ledger.sale(1_000)
    const batches = Array.from({ length: 20 }, (_, i) => purchases(saleId, MIXED.slice(i * 5, i * 5 + 5), i * 5 + 1))
    await inParallel(batches.length, 10, (i) => place(batches[i] ?? []))
    expect(await ledger.sold(saleId)).toBe(10)
    expect(await world.database.decision.count({ where: { saleId, reason: 'NOT_ELIGIBLE' } })).toBeGreaterThan(85)
  })

  test('while a buyer cancels and buys at once, what they have never exceeds the limit', async () => {
    const saleId = await ledger.sale(1_000)
    const seen = await inParallel(100, 10, async (i) => {
      await place(purchases(saleId, [MIXED[i] ?? 1], i + 1))
      const found = await world.database.order.findUnique({ where: { reservationId: `${saleId}.${i + 1}` } })
      if (found && i % 2 === 0) await cancelForBuyer(world.database, found.id, 'buyer-1')
      return ledger.sold(saleId)
    })
    expect(Math.max(...seen)).toBeLessThanOrEqual(10)
    await place(purchases(saleId, Array<number>(10).fill(1), 101))
    expect(await ledger.sold(saleId)).toBe(10)
  })

  test('a wrong decision above the limit is refused by the database itself, as a fault that no retry mends', async () => {
    const saleId = await ledger.sale(100)
    await place(purchases(saleId, [8]))
    for (const quantities of [[3], [1, 1, 1], [11]]) {
      const reservations = purchases(saleId, quantities, 2)
      const refused: unknown = await record(reservations.map(ordered), await read(reservations)).catch(
        (error: unknown) => error,
      )
      expect(String(refused)).toMatch(/decisions_within_limit/)
      expect(isDataError(refused)).toBe(true)
    }
    const known = [reservation(saleId, 2, { buyerId: 'buyer-1', quantity: 2 })]
    const facts = await read(known)
    expect(facts.liveUnits.get(buyerOfSale(saleId, 'buyer-1'))).toBe(8)
    await record(known.map(ordered), facts)
    expect(await ledger.sold(saleId)).toBe(10)
  })
})

describe('fencing', () => {
  test('an abandoned reservation gets a tombstone, and its late message no order', async () => {
    const saleId = await ledger.sale(5)
    await rejectAbandoned(world.database, [reservation(saleId, 1)])
    const [verdict] = await placeOrders(world.database, [reservation(saleId, 1)], rules)
    expect(verdict).toMatchObject({ isNew: false, decision: { outcome: 'REJECTED', reason: 'EXPIRED' } })
    expect(await ledger.sold(saleId)).toBe(0)
  })

  test('what became an order meanwhile stays an order', async () => {
    const saleId = await ledger.sale(5)
    await placeOrders(world.database, [reservation(saleId, 1)], rules)
    const [verdict] = await rejectAbandoned(world.database, [reservation(saleId, 1)])
    expect(verdict).toMatchObject({ isNew: false, decision: { outcome: 'ORDERED' } })
  })
})
