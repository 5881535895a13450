import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { inParallel } from '../../test/support/parallel.ts'
import { createWorld, type World } from '../../test/support/world.ts'
import type { Reservation } from '../contracts/messages.ts'
import { placeOrders, rejectAbandoned } from './place-orders.ts'
import { countSold } from './sold-counter.ts'
import { cancelForBuyer, cancelUnpaid, receiveMoney } from './transitions.ts'

let world: World
beforeAll(async () => { world = await createWorld() })
afterAll(async () => { await world.close() })

const rules = { reservationLifetimeMs: 60_000, paymentWindowMs: 60_000 }

async function sale(stock: number): Promise<string> {
  const id = `sale-${randomUUID().slice(0, 8)}`
  await world.database.sale.create({ data: { id, title: 'A sale', priceCents: 500, stock, opensAt: new Date(0), closesAt: new Date(Date.now() + 60_000) } })
  return id
}
const reservation = (saleId: string, n: number, changes: Partial<Reservation> = {}): Reservation =>
  ({ reservationId: `${saleId}.${n}`, saleId, buyerId: `buyer-${n}`, quantity: 1, epoch: 1, reservedAtMs: Date.now(), ...changes })
const sold = async (saleId: string) => (await world.database.sale.findUniqueOrThrow({ where: { id: saleId } })).sold
const orderOf = (reservationId: string) => world.database.order.findUniqueOrThrow({ where: { reservationId } })
const eventsOf = async (reservationId: string) => (await world.database.outboxMessage.findMany({ orderBy: { id: 'asc' } }))
  .map((row) => row.body as { reservationId?: string; type?: string; sequence?: number })
  .filter((body) => body.reservationId === reservationId).map((body) => `${body.sequence} ${body.type}`)

describe('placing', () => {
  test('writes order, decision, counter, event and timeout together', async () => {
    const saleId = await sale(10)
    await placeOrders(world.database, [reservation(saleId, 1, { quantity: 3 })], rules)
    const order = await orderOf(`${saleId}.1`)
    expect(order).toMatchObject({ status: 'PENDING_PAYMENT', quantity: 3, amountCents: 1_500, sequence: 1 })
    expect(order.paymentDeadline.getTime() - order.createdAt.getTime()).toBe(60_000)
    expect(await sold(saleId)).toBe(3)
    expect(await eventsOf(`${saleId}.1`)).toEqual(['1 order.created'])
    expect(await world.database.outboxMessage.count({ where: { messageId: `timeout:${order.id}` } })).toBe(1)
  })

  test('the same reservation through several services at once is decided once', async () => {
    const saleId = await sale(5)
    const verdicts = await inParallel(8, 8, () => placeOrders(world.database, [reservation(saleId, 1), reservation(saleId, 2)], rules))
    expect(verdicts.flat().filter((verdict) => verdict.isNew)).toHaveLength(2)
    expect(new Set(verdicts.map(([first]) => JSON.stringify(first?.decision))).size).toBe(1)
    expect(await sold(saleId)).toBe(2)
  })

  test('services that together want more than the stock get exactly the stock', async () => {
    const saleId = await sale(25)
    await inParallel(10, 10, (i) => placeOrders(world.database, Array.from({ length: 5 }, (_, j) => reservation(saleId, i * 5 + j)), rules))
    expect(await sold(saleId)).toBe(25)
    expect(await world.database.order.count({ where: { saleId } })).toBe(25)
    expect(await world.database.decision.count({ where: { saleId, reason: 'SOLD_OUT' } })).toBe(25)
  })

  test('one buyer gets one live order, and may buy again after a cancellation', async () => {
    const saleId = await sale(5)
    const again = reservation(saleId, 2, { buyerId: 'buyer-1' })
    await placeOrders(world.database, [reservation(saleId, 1), again], rules)
    expect(await world.database.decision.findUnique({ where: { reservationId: again.reservationId } })).toMatchObject({ reason: 'NOT_ELIGIBLE' })
    await cancelForBuyer(world.database, (await orderOf(`${saleId}.1`)).id, 'buyer-1')
    const [verdict] = await placeOrders(world.database, [reservation(saleId, 3, { buyerId: 'buyer-1' })], rules)
    expect(verdict?.decision.outcome).toBe('ORDERED')
  })

  test('the counter does not move past the stock, and says why', async () => {
    const saleId = await sale(3)
    await countSold(world.database, new Map([[saleId, 2]]))
    await expect(countSold(world.database, new Map([[saleId, 2]]))).rejects.toThrow(/no room for 2 more units/)
    expect(await sold(saleId)).toBe(2)
  })

  test('the database itself refuses what no service should ever ask', async () => {
    const saleId = await sale(1)
    await placeOrders(world.database, [reservation(saleId, 1)], rules)
    const { id: _id, ...copy } = await orderOf(`${saleId}.1`)
    await expect(world.database.sale.update({ where: { id: saleId }, data: { sold: 2 } })).rejects.toThrow(/sales_sold_within_stock/)
    await expect(world.database.order.create({ data: { ...copy, id: randomUUID() } })).rejects.toThrow(/reservation_id/)
    await expect(world.database.order.create({ data: { ...copy, id: randomUUID(), reservationId: 'another' } })).rejects.toThrow(/Unique constraint/)
  })
})

describe('fencing', () => {
  test('an abandoned reservation gets a tombstone, and its late message no order', async () => {
    const saleId = await sale(5)
    await rejectAbandoned(world.database, [reservation(saleId, 1)])
    const [verdict] = await placeOrders(world.database, [reservation(saleId, 1)], rules)
    expect(verdict).toMatchObject({ isNew: false, decision: { outcome: 'REJECTED', reason: 'EXPIRED' } })
    expect(await sold(saleId)).toBe(0)
  })

  test('what became an order meanwhile stays an order', async () => {
    const saleId = await sale(5)
    await placeOrders(world.database, [reservation(saleId, 1)], rules)
    const [verdict] = await rejectAbandoned(world.database, [reservation(saleId, 1)])
    expect(verdict).toMatchObject({ isNew: false, decision: { outcome: 'ORDERED' } })
  })
})

describe('ending', () => {
  test('an order is not lapsed before its deadline by the database\'s clock', async () => {
    const saleId = await sale(5)
    await placeOrders(world.database, [reservation(saleId, 1)], rules)
    const { id } = await orderOf(`${saleId}.1`)
    expect(await cancelUnpaid(world.database, [id])).toHaveLength(0)
    await world.database.order.update({ where: { id }, data: { paymentDeadline: new Date(Date.now() - 1_000) } })
    expect(await cancelUnpaid(world.database, [id, id])).toMatchObject([{ id, quantity: 1, sequence: 2 }])
    expect(await cancelUnpaid(world.database, [id])).toHaveLength(0)
    expect(await sold(saleId)).toBe(0)
    expect(await eventsOf(`${saleId}.1`)).toEqual(['1 order.created', '2 order.cancelled'])
  })

  test('only its buyer cancels an order', async () => {
    const saleId = await sale(5)
    await placeOrders(world.database, [reservation(saleId, 1)], rules)
    const { id } = await orderOf(`${saleId}.1`)
    expect(await cancelForBuyer(world.database, id, 'somebody else')).toHaveLength(0)
    expect(await cancelForBuyer(world.database, id, 'buyer-1')).toHaveLength(1)
  })

  test('the same money, told ten times at once, is counted once', async () => {
    const saleId = await sale(5)
    await placeOrders(world.database, [reservation(saleId, 1)], rules)
    const { id } = await orderOf(`${saleId}.1`)
    await world.database.payment.create({ data: { id, orderId: id, amountCents: 500 } })
    const outcomes = await inParallel(10, 10, () => receiveMoney(world.database, { paymentId: id, orderId: id, amountCents: 500, providerRef: 'ref' }))
    expect(outcomes.map(({ outcome }) => outcome).sort()).toEqual([...Array<string>(9).fill('ALREADY_COUNTED'), 'PAID'])
    expect(await eventsOf(`${saleId}.1`)).toEqual(['1 order.created', '2 order.paid'])
  })
})
