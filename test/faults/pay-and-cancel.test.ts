import { afterAll, beforeAll, expect, test } from 'vitest'
import { cancelAndRelease } from '../../cancel-worker/cancel-batch.ts'
import { placeOrders } from '../../core/orders/place-orders.ts'
import { settleDecided } from '../../core/orders/settle-decided.ts'
import { createLog } from '../../core/platform/process/log.ts'
import { moneyCounter } from '../../order-service/payments/count-money.ts'
import { eventually } from '../support/eventually.ts'
import { reservation } from '../support/ledger.ts'
import { inParallel } from '../support/parallel.ts'
import { generous } from '../support/reserve-one.ts'
import { startSystem, type System } from '../support/system.ts'
import { shortOrLong } from '../support/thoroughness.ts'

const PAIRS = shortOrLong(100, 1_000)
/** Cancelling locks the row of the sale: with one sale for all of them cancelling lost 974 of 1,000 races. */
const SALES = 2
const UNITS = PAIRS / SALES
const log = createLog('test', 'silent')

let system: System
// No sweeper cancels the orders that wait for their race.
beforeAll(async () => {
  system = await startSystem({ SWEEP_GRACE_SECONDS: '600' }, [
    'payment-provider',
    'order-service',
    'cancel-worker',
    'control-room',
  ])
})
afterAll(() => system.close())

/** Orders whose time is over the moment they are placed, each with a payment of its own id. */
async function overdueOrders(saleId: string): Promise<string[]> {
  const { stock, database } = system.world
  const reservations = Array.from({ length: UNITS }, (_, i) => reservation(saleId, i))
  const outcomes = await stock.reserve(
    { saleId, epoch: 1, total: UNITS },
    reservations.map((one) => ({ ...one, address: '192.0.2.1', limitPerBuyer: 1 })),
    generous,
  )
  expect(outcomes.map(({ status }) => status)).toEqual(outcomes.map(() => 'RESERVED'))
  await stock.confirmed(saleId, reservations)
  const verdicts = await placeOrders(database, reservations, {
    reservationLifetimeMs: 60_000,
    paymentWindowMs: 0,
    sagaMs: 0,
  })
  await settleDecided(stock, verdicts, log)
  const orderIds = verdicts.flatMap(({ decision }) => (decision.outcome === 'ORDERED' ? [decision.orderId] : []))
  await database.payment.createMany({ data: orderIds.map((id) => ({ id, orderId: id, amountCents: 1_000 })) })
  return orderIds
}

test('of pay and cancel at the same moment exactly one wins, and a losing payment is refunded once', async () => {
  const { database, stock } = system.world
  const countMoney = moneyCounter({ database, stock, log })
  const bySale = await inParallel(SALES, 4, async () => overdueOrders(await system.createSale({ stock: UNITS })))

  const races = await inParallel(PAIRS, 4, async (i) => {
    const id = bySale[i % SALES]?.[Math.floor(i / SALES)] ?? ''
    let [outcome, lapsed] = ['', 0]
    const pay = async () => {
      ;({ outcome } = await countMoney({ paymentId: id, orderId: id, amountCents: 1_000, providerRef: `race-${i}` }))
    }
    const cancel = () =>
      cancelAndRelease(
        {
          database,
          stock,
          log,
          onCancelled: (count) => {
            lapsed += count
          },
        },
        [id],
      )
    await Promise.all((i % 2 === 0 ? [pay, cancel] : [cancel, pay]).map((run) => run()))
    return `${outcome}, ${lapsed} lapsed`
  })
  expect([...new Set(races)].sort()).toEqual(['PAID, 0 lapsed', 'REFUND_DUE, 1 lapsed'])

  const paid = races.filter((race) => race.startsWith('PAID')).length
  const refunds = await eventually(
    'every refund to be taken',
    () => database.refund.findMany({ include: { payment: { include: { order: true } } } }),
    (found) => found.every(({ completedAt }) => completedAt !== null),
    60_000,
  )
  expect(refunds.filter(({ payment }) => payment.order.status === 'CANCELLED')).toHaveLength(PAIRS - paid)
  expect(refunds).toHaveLength(PAIRS - paid)

  const { sales, ...state } = await system.auditAtRest()
  expect(state).toMatchObject({ balanced: true, quiet: true })
  const sum = (units: (sale: (typeof sales)[number]) => number | null) =>
    sales.reduce((total, sale) => total + (units(sale) ?? 0), 0)
  expect([sum((sale) => sale.sold), sum((sale) => sale.redisLeft)]).toEqual([paid, PAIRS - paid])
})
