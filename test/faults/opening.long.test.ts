import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { PlaceView } from '../../core/contracts/places.ts'
import { ADMISSION_HEADER, TICKET_HEADER } from '../../core/contracts/ticket-header.ts'
import { StockKeys } from '../../core/stock/keys.ts'
import { eventually } from '../support/eventually.ts'
import { call } from '../support/http-client.ts'
import { ask, atRest, type Gateway, HEALING_LIMIT_MS, PATIENT, people } from './support/purchases.ts'
import { RedisMemory } from './support/redis-memory.ts'
import { type Shop, startShop } from './support/shop.ts'

const HOUR_MS = 3_600_000
const SHUT = {
  opensAt: new Date(Date.now() + HOUR_MS).toISOString(),
  closesAt: new Date(Date.now() + 2 * HOUR_MS).toISOString(),
}
const DRAW = { draw: { admissionSeconds: 3_600 } }

let shop: Shop
let keys: StockKeys
beforeAll(async () => {
  shop = await startShop({ ...PATIENT, TICKET_RATE_PER_SECOND: '100000', TICKET_BURST: '100000' })
  keys = new StockKeys(shop.env.REDIS_KEY_PREFIX ?? '')
})
afterAll(() => shop.close())
beforeEach(() => shop.whole())

const makeSale = (stock: number, opening: object, more: object = SHUT) =>
  eventually(
    'a sale to be made',
    () => shop.openSale(stock, 1, { opening, ...more }).catch(() => ''),
    (id) => id !== '',
  )
const openNow = (saleId: string) =>
  eventually(
    'the sale to be opened',
    () =>
      call('PATCH', `${shop.controlRoom}/sales/${saleId}`, {
        token: shop.env.ADMIN_TOKEN,
        headers: { 'if-match': '*' },
        body: { opensAt: new Date().toISOString() },
      }),
    ({ status }) => status === 200,
  )
/** Once a gateway answers. */
async function placeOf(saleId: string, buyerId: string, gateway: Gateway = 0): Promise<PlaceView> {
  const { body } = await eventually(
    `the place of ${buyerId}`,
    () => ask(shop, 'POST', `/sales/${saleId}/place`, buyerId, gateway),
    ({ status }) => status === 200,
    HEALING_LIMIT_MS,
  )
  return body as unknown as PlaceView
}
/** At one gateway and the other, in turn. */
const placesOf = (saleId: string, who: string[]) =>
  Promise.all(who.map((buyerId, i) => placeOf(saleId, buyerId, i % 2 === 0 ? 0 : 1)))
const untilAdmitted = (saleId: string, who: string[], count: number) =>
  eventually(
    `${count} to be admitted`,
    () => placesOf(saleId, who),
    (places) => places.filter(({ state }) => state === 'ADMITTED').length >= count,
    HEALING_LIMIT_MS,
  )
const asked = (saleId: string, buyerId: string, headers: Record<string, string>, gateway: Gateway = 0) =>
  call('POST', `${shop.gateways[gateway]}/sales/${saleId}/reservations`, {
    token: shop.signIn(buyerId),
    body: {},
    headers,
  })
async function bought(saleId: string, buyerId: string, headers: Record<string, string>, gateway: Gateway = 0) {
  const { body } = await eventually(
    `${buyerId} to be sold a unit`,
    () => asked(saleId, buyerId, headers, gateway),
    ({ status }) => status === 202,
    HEALING_LIMIT_MS,
  )
  return String(body.id)
}
const withAdmission = ({ admission = '' }: Partial<PlaceView> = {}) => ({ [ADMISSION_HEADER]: admission })
const admittedInAll = (saleId: string) => shop.ledgers.redis.hget(keys.room(saleId), 'admitted')
/** Until the cancel worker has begun and ended a run for that sale. */
async function untilAdmitting(saleId: string): Promise<void> {
  const latest = () => shop.ledgers.redis.hget(keys.room(saleId), 'admits_from_ms')
  for (let runs = 0; runs < 2; runs++) {
    const before = await latest()
    await eventually('a run of the cancel worker', latest, (at) => at !== before)
  }
}
async function restartRedis(): Promise<void> {
  await shop.servers.redis.kill()
  await shop.servers.redis.start()
}

test('Redis restarts with its data: places, order and admissions stay, and no unit is given twice', async () => {
  const [draw, room] = [
    await makeSale(4, DRAW),
    await makeSale(20, { waitingRoom: { perSecond: 1, outstandingMax: 5, absentSeconds: 3_600 } }),
  ]
  const who = people('waiting', 10)
  const registered = await Promise.all([draw, room].map((saleId) => placesOf(saleId, who)))
  await restartRedis()
  for (const [i, saleId] of [draw, room].entries())
    for (const [j, place] of (await placesOf(saleId, who)).entries())
      expect(place).toMatchObject({ state: 'REGISTERED', line: registered[i]?.[j]?.line, registered: 10 })

  for (const [saleId, count] of [
    [draw, 4],
    [room, 5],
  ] as const) {
    await openNow(saleId)
    await untilAdmitted(saleId, who, count)
    await untilAdmitting(saleId)
    const kept = ({ state, line, number, ahead, admission }: PlaceView) => ({ state, line, number, ahead, admission })
    const before = (await placesOf(saleId, who)).map(kept)
    expect(before.filter(({ state }) => state === 'ADMITTED')).toHaveLength(count)
    await restartRedis()
    expect((await placesOf(saleId, who)).map(kept)).toEqual(before)
    await untilAdmitting(saleId)
    expect((await placesOf(saleId, who)).map(kept)).toEqual(before)
    expect(await admittedInAll(saleId)).toBe(String(count))
    for (const [i, place] of before.entries())
      if (place.state === 'ADMITTED') await bought(saleId, who[i] ?? '', withAdmission(place))
  }
  await untilAdmitting(draw)
  expect(await admittedInAll(draw)).toBe('4')
  expect(await atRest(shop, draw)).toMatchObject({ sales: [{ sold: 4, redisLeft: 0 }] })
  const later = await untilAdmitted(room, who, 10)
  for (const [i, place] of later.entries()) await bought(room, who[i] ?? '', withAdmission(place))
  expect(await admittedInAll(room)).toBe('10')
  expect(await atRest(shop, room)).toMatchObject({ sales: [{ sold: 10, redisLeft: 10 }] })
})

test('Redis restarts without its data: admissions of a draw buy, and buyers register again', async () => {
  const saleId = await makeSale(3, DRAW)
  const who = people('drawn', 6)
  const { line } = (await placesOf(saleId, who))[0] as PlaceView
  await openNow(saleId)
  const places = await untilAdmitted(saleId, who, 3)
  const winners = who.filter((_, i) => places[i]?.state === 'ADMITTED')
  const others = who.filter((buyerId) => !winners.includes(buyerId))
  const admissionOf = (buyerId = '') => withAdmission(places[who.indexOf(buyerId)])
  const [first = '', second = ''] = winners
  const early = await bought(saleId, first, admissionOf(first))
  await eventually(
    'its order to be written',
    () => shop.ledgers.database.order.count({ where: { reservationId: early } }),
    (count) => count === 1,
  )
  await new RedisMemory(shop.servers).replaceByEmpty()

  expect(await bought(saleId, first, admissionOf(first))).toBe(early)
  await bought(saleId, second, admissionOf(second), 1)
  for (const place of await placesOf(saleId, others)) expect(place.state).toBe('REGISTERED')
  expect((await placesOf(saleId, others))[0]?.line).not.toBe(line)
  // Ten minutes to register again are over.
  await shop.ledgers.redis.hset(keys.room(saleId), 'gathers_until_ms', 1)
  const numbers = others.map((buyerId) => places[who.indexOf(buyerId)]?.number ?? '')
  const next = others[numbers.indexOf(numbers.toSorted()[0] ?? '')] ?? ''
  const again = await untilAdmitted(saleId, others, 1)
  await untilAdmitting(saleId)
  expect(again.filter(({ state }) => state === 'ADMITTED')).toHaveLength(1)
  await bought(saleId, next, withAdmission(again[others.indexOf(next)]))
  expect(await atRest(shop, saleId)).toMatchObject({ sales: [{ sold: 3, redisLeft: 0 }] })
  // The third who was drawn before the loss comes too late, and gets no unit that is not there.
  expect((await asked(saleId, winners[2] ?? '', admissionOf(winners[2]))).body.code).toBe('SOLD_OUT')
})

test('a gateway is killed while it gives tickets: the other takes those it gave, for one order each', async () => {
  const saleId = await makeSale(40, { ticket: { fromMinutesBefore: 10 } }, {})
  const who = people('ticket', 30)
  const ticketAt = (buyerId: string, gateway: Gateway) =>
    ask(shop, 'POST', `/sales/${saleId}/tickets`, buyerId, gateway).then(
      ({ status, body }) => (status === 201 ? String(body.ticket) : undefined),
      () => undefined,
    )
  const given: (string | undefined)[] = [await ticketAt(who[0] ?? '', 0)]
  expect(given[0]).toBeDefined()
  const rest = who.slice(1).map((buyerId) => ticketAt(buyerId, 0))
  await rest[0]
  shop.instance('gateway-1').kill()
  given.push(...(await Promise.all(rest)))
  expect(given.filter((ticket) => ticket !== undefined).length).toBeGreaterThan(1)
  for (const [i, buyerId] of who.entries()) given[i] ??= await ticketAt(buyerId, 1)
  const headers = (i: number) => ({ [TICKET_HEADER]: given[i] ?? '' })
  const ids = await Promise.all(who.map((buyerId, i) => bought(saleId, buyerId, headers(i), 1)))
  await shop.whole()
  expect(await Promise.all(who.map((buyerId, i) => bought(saleId, buyerId, headers(i), 0)))).toEqual(ids)
  expect(await atRest(shop, saleId)).toMatchObject({ sales: [{ sold: 30, redisLeft: 10 }] })
})
