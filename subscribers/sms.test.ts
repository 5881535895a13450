import { chmodSync, existsSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from '../test/support/eventually.ts'
import { history, Subscriptions } from '../test/support/subscriptions.ts'
import { logFileProvider } from './providers/sms-provider.ts'
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

interface Line {
  buyerId: string
  text: string
  key: string
}
const linesTo = (buyerId: string | undefined) =>
  !existsSync(file)
    ? []
    : readFileSync(file, 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as Line)
        .filter((line) => line.buyerId === buyerId)

test('a buyer is told of every step of the order once', async () => {
  const events = history(['order.created', 'order.paid', 'order.refunded'])
  await subscriptions.publish(...events, ...events, ...events)
  const lines = await eventually(
    'three messages',
    () => linesTo(events[0]?.buyerId),
    (seen) => seen.length >= 3,
  )
  expect(lines.map(({ key }) => key)).toEqual(events.map(({ eventId }) => eventId))
  expect(lines[0]?.text).toContain('¥10.00')
  const [marker] = history(['reservation.rejected'], {
    orderId: null,
    reservationId: events[0]?.orderId ?? '',
    buyerId: 'marker',
  })
  if (marker) await subscriptions.publish(marker)
  await eventually(
    'what came behind',
    () => linesTo('marker').length,
    (count) => count === 1,
  )
  expect(linesTo(events[0]?.buyerId)).toHaveLength(3)
})

test('who named a coupon or points is not told a price that is not theirs', async () => {
  const events = [
    ...history(['order.created'], { couponCode: 'HELLO-1', buyerId: 'thrifty' }),
    ...history(['order.created'], { points: 50, buyerId: 'thrifty' }),
  ]
  await subscriptions.publish(...events)
  const lines = await eventually(
    'two messages',
    () => linesTo('thrifty'),
    (seen) => seen.length === 2,
  )
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
  const left = await eventually(
    'the mark',
    () => subscriptions.world.redis.ttl(key),
    (seconds) => seconds > 0,
  )
  expect(left).toBeLessThanOrEqual(24 * 3_600)
  await subscriptions.world.redis.del(key)
  await subscriptions.publish(event)
  await eventually(
    'the message again',
    () => linesTo(event.buyerId).length,
    (count) => count === 2,
  )
})

test('while the provider cannot take messages they wait, and then come', async () => {
  const stop = await subscriptions.run(
    { ...subscriber, name: 'sms-elsewhere' },
    { SMS_LOG_FILE: join(folder, 'later/sms.log') },
  )
  const [event] = history(['order.created'])
  if (!event) throw new Error('expected an event')
  await subscriptions.publish(event)
  await eventually(
    'the other provider',
    () => linesTo(event.buyerId).length,
    (count) => count === 1,
  )
  expect(
    await subscriptions.world.redis.exists(`${subscriptions.world.keyPrefix}handled:sms-elsewhere:${event.eventId}`),
  ).toBe(0)
  await mkdir(join(folder, 'later'))
  await eventually(
    'the message',
    () => existsSync(join(folder, 'later/sms.log')),
    (isThere) => isThere,
  )
  await stop()
})

const sms = (key: number) => ({ buyerId: 'somebody', text: 'x'.repeat(100), key: String(key) })

test("the file of messages is bounded, and this user's alone", async () => {
  const bounded = join(folder, 'bounded.log')
  writeFileSync(bounded, '')
  chmodSync(bounded, 0o644)
  const { send } = logFileProvider(bounded, 1_000)
  for (let key = 1; key <= 50; key++) await send(sms(key))
  expect(
    readdirSync(folder)
      .filter((name) => name.startsWith('bounded'))
      .toSorted(),
  ).toEqual(['bounded.log', 'bounded.log.1'])
  const keys = ['.1', ''].flatMap((suffix) =>
    readFileSync(bounded + suffix, 'utf8')
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as Line).key),
  )
  // The newest are there, in their order; the oldest made room.
  expect(keys.at(-1)).toBe('50')
  expect(keys).toEqual(Array.from({ length: keys.length }, (_, i) => String(50 - keys.length + 1 + i)))
  for (const suffix of ['', '.1']) {
    expect(statSync(bounded + suffix).size).toBeLessThanOrEqual(1_000)
    expect(statSync(bounded + suffix).mode & 0o777).toBe(0o600)
  }
})

test('no symbolic link to a file of another user is followed', async () => {
  const target = join(folder, 'of somebody else')
  writeFileSync(target, 'untouched')
  symlinkSync(target, join(folder, 'link.log'))
  await expect(logFileProvider(join(folder, 'link.log')).send(sms(1))).rejects.toThrow('The SMS log cannot be written')
  expect(readFileSync(target, 'utf8')).toBe('untouched')
})

test('without a name the file is in a folder that only this user may enter', async () => {
  const temporary = process.env.TMPDIR
  process.env.TMPDIR = await mkdtemp(join(folder, 'tmp-'))
  await logFileProvider(undefined).send(sms(1))
  const [own = ''] = readdirSync(process.env.TMPDIR)
  expect(statSync(join(process.env.TMPDIR, own)).mode & 0o777).toBe(0o700)
  chmodSync(join(process.env.TMPDIR, own), 0o777)
  await expect(logFileProvider(undefined).send(sms(2))).rejects.toThrow(
    'is not a folder that this user alone may enter',
  )
  if (temporary === undefined) delete process.env.TMPDIR
  else process.env.TMPDIR = temporary
})
