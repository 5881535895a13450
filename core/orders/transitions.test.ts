import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually } from '../../test/support/eventually.ts'
import { Ledger, reservation, rules } from '../../test/support/ledger.ts'
import { inParallel } from '../../test/support/parallel.ts'
import { createWorld, type World } from '../../test/support/world.ts'
import { placeOrders } from './place-orders.ts'
import { cancelForBuyer, cancelForSaga, cancelUnpaid, refundPaid, payFree } from './transitions.ts'
import { receiveMoney } from './receive-money.ts'

let world: World
let ledger: Ledger
beforeAll(async () => {
  world = await createWorld()
  ledger = new Ledger(world)
})
afterAll(async () => {
  await world.close()
})

/** The first order of a sale of its own, unpaid. */
async function ordered(): Promise<{ saleId: string; reservationId: string; id: string }> {
  const saleId = await ledger.sale(5)
  await placeOrders(world.database, [reservation(saleId, 1)], rules)
  const reservationId = `${saleId}.1`
  return { saleId, reservationId, id: (await ledger.orderOf(reservationId)).id }
}

describe('ending', () => {
  test("an order is not lapsed before its deadline by the database's clock", async () => {
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
    const money = { paymentId: id, orderId: id, amountCents: 500, providerRef: 'ref' }
    // Twice in the same batch, too, and with ids in upper case, as another provider may write them.
    const same = { ...money, paymentId: id.toUpperCase(), orderId: id.toUpperCase() }
    const outcomes = (await inParallel(5, 5, () => receiveMoney(world.database, [money, same]))).flat()
    expect(outcomes.map(({ outcome }) => outcome).sort()).toEqual([...Array<string>(9).fill('ALREADY_COUNTED'), 'PAID'])
    expect(await ledger.eventsOf(`${saleId}.1`)).toEqual(['1 order.created', '2 order.paid'])
  })
})

test.each(['paid', 'cancelled'])(
  'orders that are %s in one batch are locked in the order of their ids',
  async (how) => {
    const saleId = await ledger.sale(50)
    await placeOrders(
      world.database,
      Array.from({ length: 50 }, (_, i) => reservation(saleId, i)),
      rules,
    )
    const ids = (await world.database.order.findMany({ where: { saleId } })).map(({ id }) => id).sort()
    await world.database.order.updateMany({ where: { saleId }, data: { paymentDeadline: new Date(0) } })
    await world.database.payment.createMany({ data: ids.map((id) => ({ id, orderId: id, amountCents: 500 })) })
    const money = ids.map((id) => ({ paymentId: id, orderId: id, amountCents: 500, providerRef: id }))
    const end = () => (how === 'paid' ? receiveMoney(world.database, money) : cancelUnpaid(world.database, ids))
    let ending: Promise<unknown[]> | undefined
    await world.database.$transaction(async (tx) => {
      await tx.$queryRaw`SELECT FROM orders WHERE id = ${ids[0]}::uuid FOR UPDATE`
      ending = end()
      await eventually(
        'the batch to wait',
        () => ledger.waitingForLocks(),
        (waiting) => waiting === 1,
      )
      await tx.$queryRaw`SELECT FROM orders WHERE id = ANY(${ids}::uuid[]) FOR UPDATE NOWAIT`
    })
    expect(await ending).toHaveLength(50)
    expect(new Set((await world.database.order.findMany({ where: { saleId } })).map(({ status }) => status))).toEqual(
      new Set([how.toUpperCase()]),
    )
  },
)

test('an order of which nothing is to be paid is paid once, and no other without money', async () => {
  const [free, priced, unpriced, cancelled] = [await ordered(), await ordered(), await ordered(), await ordered()]
  await world.database.order.updateMany({
    where: { id: { in: [free.id, unpriced.id, cancelled.id] } },
    data: { amountCents: 0 },
  })
  await world.database.saga.create({
    data: { orderId: unpriced.id, saleId: unpriced.saleId, step: 'order.created', dueAt: new Date() },
  })
  await cancelForBuyer(world.database, cancelled.id, 'buyer-1')
  const ids = [free, priced, unpriced, cancelled].map(({ id }) => id)
  const paid = await inParallel(5, 5, () => world.database.$transaction((tx) => payFree(tx, ids)))
  expect(paid.flat().map(({ id }) => id)).toEqual([free.id])
  await world.database.saga.update({ where: { orderId: unpriced.id }, data: { state: 'DONE' } })
  expect(await world.database.$transaction((tx) => payFree(tx, ids))).toMatchObject([{ id: unpriced.id, sequence: 2 }])
  expect(await ledger.eventsOf(free.reservationId)).toEqual(['1 order.created', '2 order.paid'])
})

describe('refunding', () => {
  test('however often and at once it is asked for, a paid order gives its unit and its money back once', async () => {
    const { saleId, reservationId, id } = await ordered()
    await ledger.pay(id)
    const outcomes = await inParallel(10, 10, () => ledger.refund(id))
    expect(outcomes.filter((order) => order !== undefined)).toMatchObject([{ id, sequence: 3 }])
    expect(await ledger.orderOf(reservationId)).toMatchObject({
      status: 'REFUNDED',
      endReason: 'VETOED',
      refundedAt: expect.any(Date) as Date,
      settledAt: null,
    })
    expect([await ledger.sold(saleId), await ledger.refundsOf(id)]).toEqual([0, 1])
    expect((await ledger.messages()).map(({ message }) => message)).toContainEqual(
      expect.objectContaining({ type: 'order.refunded', orderId: id, reason: 'VETOED', amountCents: 500, sequence: 3 }),
    )
  })

  test('only a paid order is refunded, and only an unpaid one called off by its saga', async () => {
    const [unpaid, paid, cancelled] = [await ordered(), await ordered(), await ordered()]
    await ledger.pay(paid.id)
    const callOff = async (id: string) =>
      (await world.database.$transaction((tx) => cancelForSaga(tx, [id], 'COUPON_REFUSED')))[0]
    expect(await callOff(cancelled.id)).toMatchObject({ id: cancelled.id, sequence: 2 })
    expect(
      await Promise.all([
        ledger.refund(unpaid.id),
        callOff(paid.id),
        ledger.refund(cancelled.id),
        callOff(cancelled.id),
      ]),
    ).toEqual([undefined, undefined, undefined, undefined])
    const found = await Promise.all([unpaid, paid, cancelled].map(({ reservationId }) => ledger.orderOf(reservationId)))
    expect(found.map(({ status, endReason, sequence }) => [status, endReason, sequence])).toEqual([
      ['PENDING_PAYMENT', null, 1],
      ['PAID', null, 2],
      ['CANCELLED', 'COUPON_REFUSED', 2],
    ])
    expect(await Promise.all([unpaid, paid, cancelled].map(({ saleId }) => ledger.sold(saleId)))).toEqual([1, 1, 0])
    expect(
      await world.database.refund.count({
        where: { payment: { orderId: { in: [unpaid.id, paid.id, cancelled.id] } } },
      }),
    ).toBe(0)
  })

  test('the reason of every end is written down', async () => {
    const [lapsed, unwanted] = [await ordered(), await ordered()]
    await world.database.order.update({
      where: { id: lapsed.id },
      data: { paymentDeadline: new Date(Date.now() - 1_000) },
    })
    await cancelUnpaid(world.database, [lapsed.id])
    await cancelForBuyer(world.database, unwanted.id, 'buyer-1')
    expect([
      (await ledger.orderOf(lapsed.reservationId)).endReason,
      (await ledger.orderOf(unwanted.reservationId)).endReason,
    ]).toEqual(['UNPAID', 'BUYER'])
  })

  test("what the caller's transaction takes back did not happen, and no event tells of it", async () => {
    const { saleId, reservationId, id } = await ordered()
    await ledger.pay(id)
    const failing = world.database.$transaction(async (tx) => {
      await refundPaid(tx, id, 'VETOED')
      throw new Error('the rest of it failed')
    })
    await expect(failing).rejects.toThrow('the rest of it failed')
    expect(await ledger.orderOf(reservationId)).toMatchObject({ status: 'PAID', sequence: 2, refundedAt: null })
    expect([await ledger.sold(saleId), await ledger.refundsOf(id)]).toEqual([1, 0])
    expect(await ledger.eventsOf(reservationId)).toEqual(['1 order.created', '2 order.paid'])
  })

  test('a paid order whose money cannot be found is not refunded in part', async () => {
    const { saleId, reservationId, id } = await ordered()
    await ledger.pay(id)
    await world.database.payment.update({ where: { orderId: id }, data: { receivedAt: null } })
    await expect(ledger.refund(id)).rejects.toThrow('expected one payment to refund, got 0')
    expect([(await ledger.orderOf(reservationId)).status, await ledger.sold(saleId)]).toEqual(['PAID', 1])
  })

  test('paid, called off and refunded in the same moment, 100 times: the histories are legal, and no money is kept for nothing', async () => {
    const saleId = await ledger.sale(100)
    await placeOrders(
      world.database,
      Array.from({ length: 100 }, (_, i) => reservation(saleId, i)),
      rules,
    )
    const endings = await inParallel(100, 4, async (i) => {
      const { id } = await ledger.orderOf(`${saleId}.${i}`)
      await world.database.payment.create({ data: { id, orderId: id, amountCents: 500 } })
      const pay = () =>
        receiveMoney(world.database, [{ paymentId: id, orderId: id, amountCents: 500, providerRef: id }])
      const callOff = () => world.database.$transaction((tx) => cancelForSaga(tx, [id], 'NOT_COMPLETED'))
      const race: (() => Promise<unknown>)[] =
        i % 2 === 0 ? [pay, callOff, () => ledger.refund(id)] : [callOff, pay, () => ledger.refund(id)]
      await Promise.all(race.map((run) => run()))
      await ledger.refund(id)
      const events = (await ledger.eventsOf(`${saleId}.${i}`)).join(', ')
      return `${(await ledger.orderOf(`${saleId}.${i}`)).status}: ${events}; ${await ledger.refundsOf(id)} refunds`
    })
    expect([
      'CANCELLED: 1 order.created, 2 order.cancelled; 1 refunds',
      'REFUNDED: 1 order.created, 2 order.paid, 3 order.refunded; 1 refunds',
    ]).toEqual(expect.arrayContaining([...new Set(endings)]))
    expect(await ledger.sold(saleId)).toBe(0)
  })
})
