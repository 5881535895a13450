import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Choreography, type Placed } from '../../test/support/choreography.ts'
import { readDatabase } from './read-database.ts'
import { auditLimits } from './report.ts'

let shop: Choreography
beforeAll(async () => {
  shop = await Choreography.open({ RISK_PAID_PER_MINUTE_MAX: '1' })
})
afterAll(() => shop.close())

const sql = (statement: string, ...values: unknown[]) => shop.world.database.$executeRawUnsafe(statement, ...values)
const findings = async ({ saleId }: Placed) =>
  (await readDatabase(shop.world.database, saleId, auditLimits(120))).findings
/** What is not as it should be about the order, as `<check> <state> <what>`. */
const saidOf = async (order: Placed) =>
  (await findings(order))
    .filter(({ ids }) => ids.includes(order.orderId))
    .map(({ check, state, what }) => `${check} ${state} ${what}`)

async function placed(): Promise<Placed> {
  const order = await shop.place({ couponCode: await shop.coupon(100), points: 50 })
  await shop.givePoints(order.buyerId, 50)
  return order
}
async function done() {
  const order = await placed()
  await shop.settle()
  return order
}
async function paid() {
  const order = await done()
  await shop.pay(order.orderId)
  await shop.settle()
  return order
}
async function failed() {
  const order = await shop.place({ couponCode: await shop.coupon(100), points: 50 })
  await shop.settle()
  return order
}
async function vetoed() {
  const first = await shop.place()
  await shop.givePoints(first.buyerId, 50)
  const order = await shop.place({ couponCode: await shop.coupon(100), points: 50 }, { buyerId: first.buyerId })
  await shop.settle()
  for (const { orderId } of [first, order]) await shop.pay(orderId)
  await shop.settle()
  return order
}

const unsettled = (said: string[]) => said.filter((line) => !line.includes('not settled'))

test.each([
  ['is done', done],
  ['is paid', paid],
  ['has failed', failed],
  ['was vetoed', vetoed],
])('an order whose saga %s is in order', async (_, make) => {
  expect(unsettled(await saidOf(await make()))).toEqual([])
})

test('a saga that goes on, forwards or back, is in flight', async () => {
  const running = await placed()
  expect(await saidOf(running)).toContain('5 in flight sagas under way')
  expect((await saidOf(running)).filter((line) => line.includes('wrong'))).toEqual([])
  const back = await shop.place({ couponCode: 'NO-SUCH-COUPON' })
  await shop.deliver('coupon')
  expect(await saidOf(back)).toContain('5 in flight sagas under way')
  await shop.settle()
  expect(unsettled(await saidOf(back))).toEqual([])
})

type Fault = [what: string, make: () => Promise<Placed>, plant: (order: Placed) => Promise<unknown>, says: string]
const state =
  (to: string) =>
  ({ orderId }: Placed) =>
    sql(`UPDATE sagas SET state = '${to}' WHERE order_id = $1::uuid`, orderId)
const faults: Fault[] = [
  [
    'the saga is gone',
    done,
    ({ orderId }) => sql('DELETE FROM sagas WHERE order_id = $1::uuid', orderId),
    'have no saga',
  ],
  ["a paid order's saga goes on", paid, state('RUNNING'), 'paid orders whose saga is neither done'],
  [
    "a paid order's saga goes back for no reason",
    paid,
    state('COMPENSATING'),
    'paid orders whose saga is neither done',
  ],
  ['a saga was closed and its order lives', done, state('COMPENSATED'), 'compensated sagas of live orders'],
  ["an ended order's saga was left open", failed, state('COMPENSATING'), 'ended orders whose saga is not closed'],
  [
    'a payment was opened too early',
    done,
    async (order) => {
      await shop.world.database.payment.create({ data: { id: randomUUID(), orderId: order.orderId, amountCents: 350 } })
      await state('RUNNING')(order)
    },
    'opened before the price was final',
  ],
  [
    'there was no check-back',
    placed,
    ({ orderId }) => sql(`UPDATE sagas SET due_at = now() - interval '1 hour' WHERE order_id = $1::uuid`, orderId),
    'without a check-back',
  ],
  [
    'a failed order kept its coupon',
    failed,
    ({ orderId }) =>
      sql(
        `UPDATE coupons SET status = 'LOCKED', order_id = $1::uuid WHERE code = (SELECT coupon_code FROM orders WHERE id = $1::uuid)`,
        orderId,
      ),
    'still hold their coupon',
  ],
  [
    'a vetoed order kept its coupon',
    vetoed,
    ({ orderId }) =>
      sql(
        `UPDATE coupons SET status = 'USED', order_id = $1::uuid WHERE code = (SELECT coupon_code FROM orders WHERE id = $1::uuid)`,
        orderId,
      ),
    'still hold their coupon',
  ],
  [
    'a done order lost its coupon',
    done,
    ({ orderId }) => sql(`UPDATE coupons SET status = 'AVAILABLE', order_id = NULL WHERE order_id = $1::uuid`, orderId),
    'is not theirs although',
  ],
  [
    'a coupon was locked twice',
    done,
    ({ orderId }) =>
      sql(
        'INSERT INTO coupon_entries (code, order_id, sale_id, event_id, step) SELECT code, order_id, sale_id, event_id, step FROM coupon_entries WHERE order_id = $1::uuid',
        orderId,
      ),
    'locked or refused more than once',
  ],
  [
    'points were not deducted',
    done,
    ({ orderId }) => sql(`DELETE FROM points_entries WHERE order_id = $1::uuid AND step = 'DEDUCTED'`, orderId),
    'not although their saga is done',
  ],
  [
    'points were deducted twice',
    done,
    ({ orderId }) =>
      sql(
        `INSERT INTO points_entries (buyer_id, order_id, sale_id, event_id, step, points) SELECT buyer_id, order_id, sale_id, gen_random_uuid(), step, points FROM points_entries WHERE order_id = $1::uuid`,
        orderId,
      ),
    'deducted more than once',
  ],
  [
    'points did not come back',
    vetoed,
    ({ orderId }) => sql(`DELETE FROM points_entries WHERE order_id = $1::uuid AND step = 'RETURNED'`, orderId),
    'do not add up to zero',
  ],
  [
    'the price fell by more than was taken',
    done,
    ({ orderId }) => sql('UPDATE orders SET amount_cents = amount_cents - 1 WHERE id = $1::uuid', orderId),
    'is not a price of their sale less',
  ],
]

describe('it calls wrong:', () => {
  test.each(faults)('%s', async (_, make, plant, says) => {
    const order = await make()
    await plant(order)
    expect((await saidOf(order)).filter((line) => line.includes('wrong')).join()).toContain(says)
  })

  test('a saga of no order', async () => {
    const order = await done()
    const ghost = randomUUID()
    await shop.world.database.saga.create({
      data: { orderId: ghost, saleId: order.saleId, step: 'order.created', dueAt: new Date() },
    })
    expect((await findings(order)).map(({ what, ids }) => `${what} ${ids.join()}`)).toContain(
      `sagas without an order ${ghost}`,
    )
  })
})
