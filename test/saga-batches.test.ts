import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { veto } from '../core/orders/saga.ts'
import { eventually } from './support/eventually.ts'
import { Choreography, type Batching } from './support/choreography.ts'

let shop: Choreography
beforeAll(async () => {
  shop = await Choreography.open()
})
afterAll(() => shop.close())

const HALVES = 20
/** Two batches, the second of which has what it wants in the opposite order. */
const twoWays: Batching = (events) => [events.slice(0, HALVES), events.slice(HALVES).toReversed()]

describe('batches that lock the same rows in opposite orders do not deadlock:', () => {
  test('coupons', async () => {
    const { database } = shop.world
    // So many that PostgreSQL looks up those of a batch one by one, as it does in a shop.
    await database.$executeRaw`INSERT INTO coupons (code) SELECT 'other-' || i FROM generate_series(1, 20000) AS i`
    await database.$executeRaw`ANALYZE coupons`
    const codes = await Promise.all(Array.from({ length: HALVES }, () => shop.coupon(100)))
    for (const couponCode of [...codes, ...codes]) await shop.place({ couponCode })
    const { delivering } = await database.$transaction(async (tx) => {
      // Both batches come as far as this coupon before either can go on.
      await tx.$queryRaw`SELECT FROM coupons WHERE code = ${codes[HALVES / 2]} FOR UPDATE`
      const delivering = shop.deliverConcurrently('coupon', twoWays)
      await eventually(
        'both batches to wait',
        () => shop.ledger.waitingForLocks(),
        (count) => count === 2,
      )
      return { delivering }
    })
    await delivering
    await shop.settle()
    expect(await Promise.all(codes.map((code) => shop.statusOf(code)))).toEqual(codes.map(() => 'LOCKED'))
  })

  test('buyers', async () => {
    const buyers = Array.from({ length: HALVES }, (_, i) => `buyer-${i}-${randomUUID()}`)
    for (const buyerId of buyers) await shop.givePoints(buyerId, 10)
    for (const buyerId of [...buyers, ...buyers]) await shop.place({ points: 10 }, { buyerId })
    await shop.deliverConcurrently('points', twoWays)
    expect(await Promise.all(buyers.map((buyerId) => shop.pointsOf(buyerId)))).toEqual(buyers.map(() => 0))
    await shop.settle()
  })

  test('sales', async () => {
    const sales = await Promise.all(Array.from({ length: HALVES }, () => shop.ledger.sale(2)))
    for (const saleId of [...sales, ...sales]) await shop.pay((await shop.place({}, { saleId })).orderId)
    await shop.settle(['points', 'saga'])
    for (const event of shop.published.filter(({ type, saleId }) => type === 'order.paid' && sales.includes(saleId))) {
      await shop.world.database.$transaction((tx) => veto(tx, event, 30_000))
    }
    await shop.deliver('saga')
    await shop.deliver('points')
    await shop.deliverConcurrently('saga', twoWays)
    expect(await Promise.all(sales.map((saleId) => shop.ledger.sold(saleId)))).toEqual(sales.map(() => 0))
  })
})
