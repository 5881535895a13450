import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { openEventStream, type EventStream } from './support/event-stream.ts'
import { eventually } from './support/eventually.ts'
import { expectRefused } from './support/expect-refused.ts'
import { call } from './support/http-client.ts'
import { inParallel } from './support/parallel.ts'
import { startSystem, type System } from './support/system.ts'
import { changeReservation } from './support/change-reservation.ts'
import { findReservation } from './support/find-reservation.ts'

let system: System
let saleId = ''
beforeAll(async () => {
  system = await startSystem()
})
beforeEach(async () => {
  saleId = await system.createSale()
})
afterAll(() => system.close())

let people = 0
/** A buyer who has got a unit. */
async function holder() {
  const token = await system.signIn(`waiting ${people++}`)
  const { body } = await system.buy(saleId, token)
  const id = String(body.id)
  return { token, id, path: `/reservations/${id}` }
}

const listen = ({ path, token }: { path: string; token: string }) =>
  openEventStream(system.url(`${path}/events`), token)
/** Why a stream is refused. One that opens instead would be waited for until the test's limit. */
async function refusalOf(heard: EventStream) {
  await eventually('an answer', () => heard.isOpen || heard.isOver, Boolean)
  expect(heard.isOpen).toBe(false)
  return await heard.ended
}
const heardBy = (heard: EventStream, status: string) =>
  eventually(
    `to hear ${status}`,
    () => heard.statuses,
    (statuses) => statuses.includes(status),
  )
const waitFor = (seconds: number) => ({ prefer: `wait=${seconds}` })
/** Has Redis know another status, with or without telling. */
async function write(id: string, status: string): Promise<void> {
  const name = await findReservation(system.world, id)
  if (name) await changeReservation(system.world, name, { status })
}

describe('Prefer: wait', () => {
  test('a purchase is answered with its order as soon as it is there', async () => {
    const { status, headers, body } = await system.buy(saleId, await system.signIn('patient'), {}, waitFor(25))
    expect(status).toBe(200)
    expect(headers.get('preference-applied')).toBe('wait=25')
    expect(body).toMatchObject({ status: 'ORDERED', orderId: expect.any(String) as unknown })
  })

  test('when the time is over the answer is 202, as without waiting', async () => {
    await system.stop('order-service')
    const { status, headers, body } = await system.buy(saleId, await system.signIn('in vain'), {}, waitFor(1))
    await system.start('order-service')
    expect({ status, body }).toMatchObject({ status: 202, body: { status: 'RESERVED' } })
    expect(headers.get('location')).toBe(`/reservations/${String(body.id)}`)
  })

  test('a repeat waits for the same reservation', async () => {
    const { token, id } = await holder()
    expect((await system.buy(saleId, token, {}, waitFor(25))).body).toMatchObject({ id, status: 'ORDERED' })
  })

  test('a GET of the reservation may wait, too', async () => {
    const { token, path } = await holder()
    const { headers, body } = await call('GET', system.url(path), { token, headers: waitFor(25) })
    expect(body.status).toBe('ORDERED')
    expect(headers.get('preference-applied')).toBe('wait=25')
  })

  test('a refusal is not waited for', async () => {
    expectRefused(
      await system.buy(await system.createSale({ opensInMs: 600_000 }), await system.signIn('early'), {}, waitFor(30)),
      'NOT_STARTED',
    )
  })
})

describe('the event stream', () => {
  test('tells each status once, and ends with the last', async () => {
    await system.stop('order-service')
    const buyer = await holder()
    const heard = listen(buyer)
    await heardBy(heard, 'RESERVED')
    await system.start('order-service')
    await heardBy(heard, 'ORDERED')
    const { orderId } = await system.settled(buyer.id, buyer.token)
    await call('POST', system.url(`/orders/${String(orderId)}/cancellation`), { token: buyer.token })
    expect(await heard.ended).toBeUndefined()
    expect(heard.statuses).toEqual(['RESERVED', 'ORDERED', 'CANCELLED'])
    expect(heard.reasons.at(-1)).toBe('BUYER')
  })

  test('what has ended is told at once', async () => {
    const buyer = await holder()
    await system.settled(buyer.id, buyer.token)
    await write(buyer.id, 'CANCELLED')
    const heard = listen(buyer)
    await heard.ended
    expect(heard.statuses).toEqual(['CANCELLED'])
  })

  test('who has heard the last event is told that there are no more', async () => {
    const { id, token, path } = await holder()
    await system.settled(id, token)
    await write(id, 'CANCELLED')
    expect(
      (await call('GET', system.url(`${path}/events`), { token, headers: { 'last-event-id': 'CANCELLED' } })).status,
    ).toBe(204)
  })

  test('goes on after PAID, for a veto', async () => {
    const buyer = await holder()
    await system.settled(buyer.id, buyer.token)
    await write(buyer.id, 'PAID')
    const heard = listen(buyer)
    await heardBy(heard, 'PAID')
    await write(buyer.id, 'REFUNDED')
    await system.world.redis.publish(system.world.stock.keys.changes(), `SETTLED ${buyer.id}`)
    await heard.ended
    expect(heard.statuses).toEqual(['PAID', 'REFUNDED'])
  })

  test('a change without a notification is seen all the same', async () => {
    const buyer = await holder()
    await system.settled(buyer.id, buyer.token)
    const heard = listen(buyer)
    await heardBy(heard, 'ORDERED')
    await write(buyer.id, 'PAID')
    expect(await heardBy(heard, 'PAID')).toEqual(['ORDERED', 'PAID'])
    heard.leave()
  })

  test("another buyer's does not exist, and a stranger has to sign in", async () => {
    const { path } = await holder()
    const other = await system.signIn('another')
    expectRefused(await call('GET', system.url(`${path}/events`), { token: other }), 'NOT_FOUND')
    expectRefused(await call('GET', system.url(`${path}/events`)), 'UNAUTHENTICATED')
  })

  test('one buyer has six, and another one of theirs is refused until one is closed', async () => {
    const buyer = await holder()
    const streams = Array.from({ length: 6 }, () => listen(buyer))
    await eventually(
      'all to be open',
      () => streams.filter(({ isOpen }) => isOpen).length,
      (open) => open === 6,
    )
    expect(await refusalOf(listen(buyer))).toMatchObject({ code: 'RATE_LIMITED', retryAfterMs: 5_000 })
    streams[0]?.leave()
    const another = await eventually(
      'room for one',
      async () => {
        const heard = listen(buyer)
        await eventually('an answer', () => heard.isOpen || heard.isOver, Boolean)
        return heard
      },
      ({ isOpen }) => isOpen,
    )
    for (const stream of [...streams, another]) stream.leave()
  })

  test('a process that is full refuses streams and answers waits at once; buying goes on', async () => {
    await system.stop('gateway')
    await system.start('gateway', { WATCHERS_MAX: '1' })
    const [first, second] = [await holder(), await holder()]
    const heard = listen(first)
    await heardBy(heard, 'ORDERED')
    expect(await refusalOf(listen(second))).toMatchObject({ code: 'BUSY', retryAfterMs: 5_000 })
    const { status, headers } = await system.buy(saleId, await system.signIn('third'), {}, waitFor(30))
    expect(status).toBe(202)
    expect(headers.get('preference-applied')).toBeNull()
    heard.leave()
    await eventually(
      'no request to wait',
      async () => (await call('GET', system.url('/metrics'))).text,
      (text) => /seckill_watched_reservations\S* 0/.test(text),
    )
    await system.stop('gateway')
    await system.start('gateway')
  })

  test('of one address takes at most half of what a process has, and leaves the rest to others', async () => {
    await system.stop('gateway')
    await system.start('gateway', { WATCHERS_MAX: '4', TRUST_PROXY_HOPS: '1' })
    const buyer = await holder()
    const leaving = new AbortController()
    const from = (address: string) => ({ authorization: `Bearer ${buyer.token}`, 'x-forwarded-for': address })
    const statusFrom = async (address: string) =>
      (await fetch(system.url(`${buyer.path}/events`), { headers: from(address), signal: leaving.signal })).status
    const greedy = await inParallel(3, 1, () => statusFrom('203.0.113.7'))
    expect(greedy).toEqual([200, 200, 429])
    const { headers } = await call('GET', system.url(buyer.path), {
      headers: { ...waitFor(30), ...from('203.0.113.7') },
    })
    expect(headers.get('preference-applied')).toBeNull()
    expect([await statusFrom('203.0.113.8'), await statusFrom('203.0.113.9')]).toEqual([200, 200])
    leaving.abort()
    await system.stop('gateway')
    await system.start('gateway')
  })

  test('ends when its gateway drains, and so does waiting', async () => {
    await system.stop('order-service')
    const buyer = await holder()
    const heard = listen(buyer)
    await heardBy(heard, 'RESERVED')
    const waiting = call('GET', system.url(buyer.path), { token: buyer.token, headers: waitFor(30) })
    await eventually(
      'both to wait',
      async () => (await call('GET', system.url('/metrics'))).text,
      (text) => /seckill_watched_reservations\S* 2/.test(text),
    )
    await system.stop('gateway')
    expect(await heard.ended).toBeUndefined()
    expect((await waiting).body.status).toBe('RESERVED')
    await system.start('gateway')
    await system.start('order-service')
  })
})
