import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createLog } from '../../core/platform/process/log.ts'
import { isDataError, Prisma } from '../../core/platform/stores/database.ts'
import { Choreography } from '../../test/support/choreography.ts'
import { type CountMoney, moneyCounter } from './count-money.ts'

let shop: Choreography
let countMoney: CountMoney
beforeAll(async () => {
  shop = await Choreography.open()
  const { database, stock } = shop.world
  countMoney = moneyCounter({ database, stock, log: createLog('test', 'silent') })
})
afterAll(() => shop.close())

/** What the provider reports of a new order, under that reference. */
async function paymentOf(providerRef: string) {
  const { orderId } = await shop.place()
  const { amountCents } = await shop.order(orderId)
  const paymentId = randomUUID()
  await shop.world.database.payment.create({ data: { id: paymentId, orderId, amountCents } })
  return { paymentId, orderId, amountCents, providerRef }
}

test('of payments that are reported at once, one that cannot be counted does not take the others along', async () => {
  const money = [await paymentOf('first'), await paymentOf('twice'), await paymentOf('twice'), await paymentOf('last')]
  const counted = await Promise.allSettled(money.map((one) => countMoney(one)))
  expect(counted.map((one) => (one.status === 'rejected' ? isDataError(one.reason) : one.value.outcome))).toEqual([
    'PAID',
    'PAID',
    true,
    'PAID',
  ])
  const stored = await Promise.all(money.map(({ orderId }) => shop.order(orderId)))
  expect(stored.map(({ status, settledAt }) => [status, settledAt !== null])).toEqual([
    ['PAID', true],
    ['PAID', true],
    ['PENDING_PAYMENT', false],
    ['PAID', true],
  ])
})

test('a deadlock of one of them does not take the others along either', async () => {
  const money = [await paymentOf('before'), await paymentOf('locked'), await paymentOf('after')]
  const { database, stock } = shop.world
  const cause = { originalCode: '40P01' }
  const deadlock = new Prisma.PrismaClientKnownRequestError('deadlock detected', {
    code: 'P2010',
    clientVersion: '',
    meta: { driverAdapterError: { cause } },
  })
  let transactions = 0
  const meetsADeadlock = new Proxy(database, {
    get(target, name) {
      if (name === '$transaction' && ++transactions === 1) return () => Promise.reject(deadlock)
      return Reflect.get(target, name) as unknown
    },
  })
  const counting = moneyCounter({ database: meetsADeadlock, stock, log: createLog('test', 'silent') })
  const counted = await Promise.all(money.map((one) => counting(one)))
  expect(counted.map(({ outcome }) => outcome)).toEqual(['PAID', 'PAID', 'PAID'])
  expect(transactions).toBe(4)
})
