import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Ledger, reservation, rules } from '../../test/support/ledger.ts'
import { inParallel } from '../../test/support/parallel.ts'
import { createWorld, type World } from '../../test/support/world.ts'
import { placeOrders } from './place-orders.ts'
import { cancelForBuyer, cancelUnpaid, receiveMoney } from './transitions.ts'

let world: World
let ledger: Ledger
beforeAll(async () => {
  world = await createWorld()
  ledger = new Ledger(world)
})
afterAll(async () => { await world.close() })

describe('ending', () => {
  test('an order is not lapsed before its deadline by the database\'s clock', async () => {
    const saleId = await ledger.sale(5)
    await placeOrders(world.database, [reservation(saleId, 1)], rules)
    const { id } = await ledger.orderOf(`${saleId}.1`)
    expect(await cancelUnpaid(world.database, [id])).toHaveLength(0)
    await world.database.order.update({ where: { id }, data: { paymentDeadline: new Date(Date.now() - 1_000) } })
    expect(await cancelUnpaid(world.database, [id, id])).toMatchObject([{ id, quantity: 1, sequence: 2 }])
    expect(await cancelUnpaid(world.database, [id])).toHaveLength(0)
    expect(await ledger.sold(saleId)).toBe(0)
    expect(await ledger.eventsOf(`${saleId}.1`)).toEqual(['1 order.created', '2 order.cancelled'])
  })

  test('only its buyer cancels an order', async () => {
    const saleId = await ledger.sale(5)
    await placeOrders(world.database, [reservation(saleId, 1)], rules)
    const { id } = await ledger.orderOf(`${saleId}.1`)
    expect(await cancelForBuyer(world.database, id, 'somebody else')).toHaveLength(0)
    expect(await ledger.sold(saleId)).toBe(1)
    expect(await cancelForBuyer(world.database, id, 'buyer-1')).toHaveLength(1)
    expect(await ledger.sold(saleId)).toBe(0)
  })

  test('the same money, told ten times at once, is counted once', async () => {
    const saleId = await ledger.sale(5)
    await placeOrders(world.database, [reservation(saleId, 1)], rules)
    const { id } = await ledger.orderOf(`${saleId}.1`)
    await world.database.payment.create({ data: { id, orderId: id, amountCents: 500 } })
    const outcomes = await inParallel(10, 10, () => receiveMoney(world.database, { paymentId: id, orderId: id, amountCents: 500, providerRef: 'ref' }))
    expect(outcomes.map(({ outcome }) => outcome).sort()).toEqual([...Array<string>(9).fill('ALREADY_COUNTED'), 'PAID'])
    expect(await ledger.eventsOf(`${saleId}.1`)).toEqual(['1 order.created', '2 order.paid'])
  })
})
