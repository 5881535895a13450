import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from '../test/support/eventually.ts'
import { history, Subscriptions } from '../test/support/subscriptions.ts'
import { subscriber } from './coupon.ts'

let subscriptions: Subscriptions
beforeAll(async () => {
  subscriptions = await Subscriptions.open()
  await subscriptions.run(subscriber)
})
afterAll(() => subscriptions.close())

async function coupon(buyerId: string | null = null): Promise<string> {
  const code = randomUUID()
  await subscriptions.world.database.coupon.create({ data: { code, buyerId } })
  return code
}
const statusOf = async (code: string) => (await subscriptions.world.database.coupon.findUniqueOrThrow({ where: { code } })).status
const steps = async (orderId: string | null | undefined) =>
  (await subscriptions.world.database.couponEntry.findMany({ where: { orderId: orderId ?? '' }, orderBy: { id: 'asc' } })).map(({ step }) => step)
const stepsUntil = (orderId: string | null | undefined, last: string) => eventually(last, () => steps(orderId), (seen) => seen.at(-1) === last)

test('the coupon of an order is locked, and used when the order is paid', async () => {
  const code = await coupon()
  const [created, paid] = history(['order.created', 'order.paid'], { couponCode: code })
  if (!created || !paid) throw new Error('expected two events')
  await subscriptions.publish(created)
  await stepsUntil(created.orderId, 'LOCKED')
  expect(await statusOf(code)).toBe('LOCKED')
  await subscriptions.publish(created, paid, created, paid)
  expect(await stepsUntil(created.orderId, 'USED')).toEqual(['LOCKED', 'USED'])
  expect(await statusOf(code)).toBe('USED')
})

test('the coupon of a cancelled or refunded order can be used again', async () => {
  for (const types of [['order.created', 'order.cancelled'], ['order.created', 'order.paid', 'order.refunded']] as const) {
    const code = await coupon()
    const events = history([...types], { couponCode: code })
    await subscriptions.publish(...events, ...events)
    await stepsUntil(events[0]?.orderId, 'RETURNED')
    expect(await statusOf(code)).toBe('AVAILABLE')
  }
})

test('a coupon serves one order at a time, and nobody but whose it is', async () => {
  const code = await coupon()
  const first = history(['order.created'], { couponCode: code })
  const second = history(['order.created', 'order.cancelled'], { couponCode: code })
  const thief = history(['order.created'], { couponCode: await coupon('its owner') })
  await subscriptions.publish(...first)
  await stepsUntil(first[0]?.orderId, 'LOCKED')
  await subscriptions.publish(...second, ...thief)
  await stepsUntil(second[0]?.orderId, 'REFUSED')
  expect(await stepsUntil(thief[0]?.orderId, 'REFUSED')).toEqual(['REFUSED'])
  // Whose order it refused has nothing to give back.
  const after = history(['order.created'], { couponCode: await coupon(), orderId: second[0]?.orderId ?? '', sequence: 3 })
  await subscriptions.publish(...after)
  expect(await stepsUntil(second[0]?.orderId, 'LOCKED')).toEqual(['REFUSED', 'LOCKED'])
  expect(await statusOf(code)).toBe('LOCKED')
})
