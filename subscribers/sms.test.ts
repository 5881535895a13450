import { existsSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from '../test/support/eventually.ts'
import { history, Subscriptions } from '../test/support/subscriptions.ts'
import { subscriber } from './sms.ts'

let subscriptions: Subscriptions
let folder: string
let file: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sms-'))
  file = join(folder, 'sms.log')
  subscriptions = await Subscriptions.open()
  await subscriptions.run(subscriber, { SMS_LOG_FILE: file })
})
afterAll(async () => {
  await subscriptions.close()
  await rm(folder, { recursive: true })
})

interface Line { buyerId: string; text: string; key: string }
const linesTo = (buyerId: string | undefined) => !existsSync(file) ? [] : readFileSync(file, 'utf8').trim().split('\n')
  .map((line) => JSON.parse(line) as Line).filter((line) => line.buyerId === buyerId)

test('a buyer is told of every step of the order once, in the order of the steps', async () => {
  const events = history(['order.created', 'order.paid', 'order.refunded'])
  await subscriptions.publish(...events, ...events, ...events)
  const lines = await eventually('three messages', () => linesTo(events[0]?.buyerId), (seen) => seen.length >= 3)
  expect(lines.map(({ key }) => key)).toEqual(events.map(({ eventId }) => eventId))
  expect(lines[0]?.text).toContain('10.00')
  const [marker] = history(['reservation.rejected'], { orderId: null, reservationId: events[0]?.orderId ?? '', buyerId: 'marker' })
  if (marker) await subscriptions.publish(marker)
  await eventually('what came behind', () => linesTo('marker').length, (count) => count === 1)
  expect(linesTo(events[0]?.buyerId)).toHaveLength(3)
})

test('who named a coupon or points is not told a price that is not theirs', async () => {
  const events = [...history(['order.created'], { couponCode: 'HELLO-1', buyerId: 'thrifty' }), ...history(['order.created'], { points: 50, buyerId: 'thrifty' })]
  await subscriptions.publish(...events)
  const lines = await eventually('two messages', () => linesTo('thrifty'), (seen) => seen.length === 2)
  for (const { text } of lines) {
    expect(text).toContain('once your coupon and points are checked')
    expect(text).not.toContain('10.00')
  }
})

test('the mark that keeps a repeat from being told again has an end', async () => {
  const [event] = history(['order.created'])
  if (!event) throw new Error('expected an event')
  await subscriptions.publish(event)
  const key = `${subscriptions.world.keyPrefix}handled:sms:${event.eventId}`
  const left = await eventually('the mark', () => subscriptions.world.redis.ttl(key), (seconds) => seconds > 0)
  expect(left).toBeLessThanOrEqual(24 * 3_600)
  await subscriptions.world.redis.del(key)
  await subscriptions.publish(event)
  await eventually('the message again', () => linesTo(event.buyerId).length, (count) => count === 2)
})

test('while the provider cannot take messages they wait, and then come', async () => {
  const stop = await subscriptions.run({ ...subscriber, name: 'sms-elsewhere' }, { SMS_LOG_FILE: join(folder, 'later/sms.log') })
  const [event] = history(['order.created'])
  if (!event) throw new Error('expected an event')
  await subscriptions.publish(event)
  await eventually('the other provider', () => linesTo(event.buyerId).length, (count) => count === 1)
  expect(await subscriptions.world.redis.exists(`${subscriptions.world.keyPrefix}handled:sms-elsewhere:${event.eventId}`)).toBe(0)
  await mkdir(join(folder, 'later'))
  await eventually('the message', () => existsSync(join(folder, 'later/sms.log')), (isThere) => isThere)
  await stop()
})
