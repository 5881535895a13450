import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { PlaceView } from '../core/contracts/places.ts'
import { ADMISSION_HEADER, TICKET_HEADER } from '../core/contracts/ticket-header.ts'
import { createTokens } from '../core/platform/http/tokens.ts'
import { createAdmissions } from '../gateway/waiting-room/admissions.ts'
import { readStream } from '../web/shared/server-sent-events.ts'
import { cancelOrder } from './support/cancel-order.ts'
import { eventually } from './support/eventually.ts'
import { type Answer, call } from './support/http-client.ts'
import { watchLive } from './support/live.ts'
import { startSystem, type System } from './support/system.ts'

const ROOM = { perSecond: 100, absentSeconds: 600 }

let system: System
beforeAll(async () => {
  system = await startSystem()
})
afterAll(() => system.close())

/** "member …" have a tier. */
const tokenOf = (buyerId: string) =>
  createTokens(system.env.TOKEN_SECRET ?? '').sign(buyerId, buyerId.startsWith('member') ? { tier: 'vip' } : {})
const place = (saleId: string, buyerId: string) =>
  call('POST', system.url(`/sales/${saleId}/place`), { token: tokenOf(buyerId) })
const stateOf = async (saleId: string, buyerId: string) => (await place(saleId, buyerId)).body as unknown as PlaceView
const admitted = (saleId: string, buyerId: string) =>
  eventually(
    `${buyerId} to be admitted`,
    () => stateOf(saleId, buyerId),
    ({ state }) => state === 'ADMITTED',
  )
const buy = (saleId: string, buyerId: string, admission?: string): Promise<Answer> =>
  system.buy(saleId, tokenOf(buyerId), {}, admission === undefined ? {} : { [ADMISSION_HEADER]: admission })
const refused = async (...purchase: Parameters<typeof buy>) => {
  const { status, body } = await buy(...purchase)
  return [status, body.code]
}

/** Until the cancel worker has begun and ended a run for that sale. */
async function untilAdmitting(saleId: string): Promise<void> {
  const key = system.world.stock.keys.room(saleId)
  const latest = () => system.world.redis.hget(key, 'admits_from_ms')
  for (let runs = 0; runs < 2; runs++) {
    const before = await latest()
    await eventually('a run of the cancel worker', latest, (at) => at !== before)
  }
}

/** The places that one stream of a buyer has told of. */
function follow(saleId: string, buyerId: string) {
  const leaving = new AbortController()
  const seen: PlaceView[] = []
  const ended = readStream({
    path: system.url(`/sales/${saleId}/place/events`),
    token: tokenOf(buyerId),
    signal: leaving.signal,
    silenceLimitMs: 60_000,
    onEvent: ({ data }) => seen.push(JSON.parse(data) as PlaceView),
  }).catch(() => undefined)
  return { seen, ended, leave: () => leaving.abort() }
}

describe('a sale with a waiting room', () => {
  test('is bought in with an admission, which is checked without Redis and belongs to one buyer and sale', async () => {
    const [saleId, other] = [
      await system.createSale({ opening: { waitingRoom: ROOM } }),
      await system.createSale({ opening: { waitingRoom: ROOM } }),
    ]
    expect(await refused(saleId, 'ann')).toEqual([403, 'ADMISSION_REQUIRED'])
    const { admission = '', admittedUntil } = await admitted(saleId, 'ann')
    expect(await refused(saleId, 'bob', admission)).toEqual([403, 'ADMISSION_OF_ANOTHER'])
    expect(await refused(other, 'ann', admission)).toEqual([403, 'ADMISSION_OF_ANOTHER'])
    expect(await refused(saleId, 'ann', `${admission.slice(0, -1)}_`)).toEqual([403, 'ADMISSION_INVALID'])
    expect(await refused(saleId, 'ann', 'x')).toEqual([403, 'ADMISSION_INVALID'])
    const forged = createAdmissions('another secret').give(saleId, 'ann', Date.now() + 60_000)
    expect(await refused(saleId, 'ann', forged)).toEqual([403, 'ADMISSION_INVALID'])
    const late = createAdmissions(system.env.TOKEN_SECRET ?? '').give(saleId, 'ann', Date.now() - 10_000)
    expect(await refused(saleId, 'ann', late)).toEqual([403, 'ADMISSION_EXPIRED'])
    const { status, body } = await buy(saleId, 'ann', admission)
    expect(status).toBe(202)
    // Sent again it is the same purchase.
    expect((await buy(saleId, 'ann', admission)).body).toEqual(body)
    // The admission is the same text each time, whichever gateway is asked.
    expect(await stateOf(saleId, 'ann')).toMatchObject({ admission, admittedUntil })
    expect(await system.auditAtRest(saleId)).toMatchObject({ balanced: true })
  })

  test('orders those who came before it by a seed that was bound before, and published after', async () => {
    const opening = { waitingRoom: { perSecond: 1, absentSeconds: 600 } }
    const saleId = await system.createSale({ opening, opensInMs: 600_000, closesInMs: 3_600_000 })
    const people = Array.from({ length: 12 }, (_, i) => `person ${i}`)
    for (const [i, person] of people.entries())
      expect(await stateOf(saleId, person)).toMatchObject({ state: 'REGISTERED', registered: i + 1 })
    const before = (await call('GET', system.url(`/sales/${saleId}`))).body
    expect(before.seedHash).toMatch(/^[0-9a-f]{64}$/)
    expect(before.seed).toBeUndefined()
    const secret = await system.world.database.sale.findUniqueOrThrow({ where: { id: saleId } })
    const everything = await Promise.all(
      [`/sales/${saleId}`, '/sales', `/changes?sale=${saleId}`].map((path) => system.controlRoom('GET', path)),
    )
    expect(everything.map(({ text }) => text).join()).not.toContain(secret.openingSeed)

    await system.controlRoom('PATCH', `/sales/${saleId}`, { opensAt: new Date().toISOString() })
    const after = await eventually(
      'the seed to be published',
      async () => (await call('GET', system.url(`/sales/${saleId}`))).body,
      ({ seed }) => seed !== undefined,
    )
    const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')
    const seed = String(after.seed)
    expect(sha256(seed)).toBe(before.seedHash)
    const inOrder = people.toSorted((one, another) =>
      sha256(`${seed} ${one}`) < sha256(`${seed} ${another}`) ? -1 : 1,
    )
    const views = await Promise.all(inOrder.map((person) => stateOf(saleId, person)))
    const ahead = views.flatMap((view) => view.ahead ?? [])
    expect(ahead.length).toBeGreaterThan(3)
    expect(ahead).toEqual(ahead.toSorted((one, another) => one - another))
    const numbers = inOrder.map((person) => sha256(`${seed} ${person}`).slice(0, 13))
    expect(views.flatMap((view) => view.number ?? [])).toEqual(numbers.slice(-ahead.length))
    expect(await stateOf(saleId, 'a late one')).toMatchObject({ state: 'WAITING', ahead: ahead.length })
    expect((await stateOf(saleId, 'a late one')).number).toBeUndefined()
  })

  test('pushes the place to its buyer, who is admitted while the stream is open', async () => {
    const opening = { waitingRoom: { perSecond: 2, absentSeconds: 600 } }
    const saleId = await system.createSale({ opening, shards: 2 })
    const people = Array.from({ length: 6 }, (_, i) => `person ${i}`)
    for (const person of people) await place(saleId, person)
    const { seen, ended } = follow(saleId, 'person 5')
    expect(await ended).toBeUndefined()
    const ahead = seen.flatMap((view) => view.ahead ?? [])
    expect(ahead).toEqual(ahead.toSorted((one, another) => another - one))
    expect(seen.at(-1)).toMatchObject({ state: 'ADMITTED', admittedUntil: expect.stringMatching(/Z$/) as string })
    expect((await buy(saleId, 'person 5', seen.at(-1)?.admission)).status).toBe(202)
  })

  test('admits up to the bound of admissions; a purchase makes room, and sold out, admission pauses', async () => {
    const opening = { waitingRoom: { perSecond: 1_000, outstandingMax: 2, absentSeconds: 600 } }
    const saleId = await system.createSale({ opening, stock: 3 })
    const people = Array.from({ length: 6 }, (_, i) => `person ${i}`)
    for (const person of people) await place(saleId, person)
    const held = new Set<string>()
    for (let bought = 0; bought < 3; bought++) {
      const person = people[bought] ?? ''
      const { admission } = await admitted(saleId, person)
      const states = await Promise.all(people.map(async (each) => (await stateOf(saleId, each)).state))
      expect(states.filter((state) => state === 'ADMITTED').length).toBeLessThanOrEqual(held.size + 2)
      expect((await buy(saleId, person, admission)).status).toBe(202)
      held.add(person)
    }
    const rest = async () => await Promise.all(people.slice(4).map(async (each) => (await stateOf(saleId, each)).state))
    await eventually(
      'both purchases to be told',
      () => system.world.redis.zcard(system.world.stock.keys.outstanding(saleId)),
      (count) => count < 2,
    )
    await untilAdmitting(saleId)
    expect(await rest()).toEqual(['WAITING', 'WAITING'])
  })

  test('lets members, by a claim of their token, stand in a line of their own with its share', async () => {
    const opening = { waitingRoom: { perSecond: 1_000, outstandingMax: 4, membersShare: 75, absentSeconds: 600 } }
    const saleId = await system.createSale({ opening, opensInMs: 600_000, closesInMs: 3_600_000 })
    const people = ['person', 'member'].flatMap((name) => Array.from({ length: 6 }, (_, i) => `${name} ${i}`))
    for (const person of people) expect(await stateOf(saleId, person)).toMatchObject({ state: 'REGISTERED' })
    await system.controlRoom('PATCH', `/sales/${saleId}`, { opensAt: new Date().toISOString() })
    const places = await eventually(
      'four to be admitted',
      () => Promise.all(people.map((person) => stateOf(saleId, person))),
      (all) => all.filter(({ state }) => state === 'ADMITTED').length === 4,
    )
    const [others, members] = [places.slice(0, 6), places.slice(6)]
    expect(members.filter(({ state }) => state === 'ADMITTED')).toHaveLength(3)
    const isWaiting = ({ state }: PlaceView) => state === 'WAITING'
    expect(new Set(members.filter(isWaiting).map(({ isMember }) => isMember))).toEqual(new Set([true]))
    expect(new Set(members.filter(isWaiting).map(({ ahead }) => ahead))).toEqual(new Set([0, 1, 2]))
    expect(new Set(others.filter(isWaiting).map(({ isMember }) => isMember))).toEqual(new Set([undefined]))
    const plain = await system.createSale({ opening: { waitingRoom: { perSecond: 1, absentSeconds: 600 } } })
    for (const person of people) await place(plain, person)
    expect(await stateOf(plain, 'member 5')).toMatchObject({ state: 'WAITING' })
    expect((await stateOf(plain, 'member 5')).isMember).toBeUndefined()
  })

  test('lets a member who comes by the event stream stand in that line, too', async () => {
    const opening = { waitingRoom: { perSecond: 1_000, outstandingMax: 1, membersShare: 50, absentSeconds: 600 } }
    const saleId = await system.createSale({ opening })
    await admitted(saleId, 'person 0')
    const { seen, leave } = follow(saleId, 'member 0')
    const first = await eventually(
      'a place to be pushed',
      () => seen[0],
      (place) => place !== undefined,
    )
    leave()
    expect(first).toMatchObject({ state: 'WAITING', isMember: true })
  })

  test('may ask for a ticket as well: a purchase needs both', async () => {
    const opening = { waitingRoom: ROOM, ticket: { fromMinutesBefore: 1 } }
    const saleId = await system.createSale({ opening })
    const { admission = '' } = await admitted(saleId, 'ann')
    expect(await refused(saleId, 'ann', admission)).toEqual([403, 'TICKET_REQUIRED'])
    const token = tokenOf('ann')
    const { ticket } = (await call('POST', system.url(`/sales/${saleId}/tickets`), { token, body: {} })).body
    const both = { [TICKET_HEADER]: ticket as string, [ADMISSION_HEADER]: admission }
    expect((await system.buy(saleId, token, {}, { ...both, [ADMISSION_HEADER]: ticket as string })).body).toMatchObject(
      {
        code: 'ADMISSION_INVALID',
      },
    )
    expect((await system.buy(saleId, token, {}, both)).status).toBe(202)
  })

  test('can be switched off while people wait: their streams end, and no purchase needs an admission', async () => {
    const opening = { waitingRoom: { perSecond: 1, absentSeconds: 600 } }
    const saleId = await system.createSale({ opening })
    for (let i = 0; i < 5; i++) await place(saleId, `person ${i}`)
    const { ended } = follow(saleId, 'person 4')
    await system.controlRoom('PATCH', `/sales/${saleId}`, { opening: {} })
    expect(await ended).toBeUndefined()
    await eventually(
      'the shop to need no admission',
      () => buy(saleId, 'passer-by'),
      ({ status }) => status === 202,
    )
    expect((await place(saleId, 'person 3')).status).toBe(404)
  })

  test('an admission that was given stays valid when Redis has lost the line, which begins anew', async () => {
    const opening = { waitingRoom: { ...ROOM, outstandingMax: 1 } }
    const saleId = await system.createSale({ opening })
    const { admission } = await admitted(saleId, 'ann')
    const { line } = await stateOf(saleId, 'bob')
    const { sale: _, ...keys } = system.world.stock.keys
    const lost = [keys.room, keys.line, keys.seen, keys.admitted, keys.outstanding].map((key) => key(saleId))
    await system.world.redis.del(...lost)
    const again = await eventually(
      'a new line',
      () => stateOf(saleId, 'bob'),
      (view) => view.line !== line,
    )
    expect(again.state).not.toBe('ADMITTED')
    expect((await buy(saleId, 'ann', admission)).status).toBe(202)
    expect(await admitted(saleId, 'bob')).toMatchObject({ line: again.line })
  })

  test('shows operators its line, and gives no place to a buyer on the blacklist', async () => {
    const opening = { waitingRoom: { perSecond: 1_000, outstandingMax: 2, absentSeconds: 600 } }
    const saleId = await system.createSale({ opening })
    await system.controlRoom('PUT', '/blacklist/banned', { reason: 'test' })
    const answer = await place(saleId, 'banned')
    expect([answer.status, answer.body.code]).toEqual([403, 'NOT_ELIGIBLE'])
    for (let i = 0; i < 5; i++) await place(saleId, `person ${i}`)
    await admitted(saleId, 'person 0')
    const watcher = await watchLive(`http://127.0.0.1:${system.env.CONTROL_ROOM_PORT}`, system.env.ADMIN_TOKEN ?? '')
    const line = await eventually(
      'the line to be shown',
      () => watcher.last()?.sales?.find((sale) => sale.saleId === saleId)?.line,
      (shown) => shown?.outstanding === 2,
    )
    watcher.leave()
    expect(line).toMatchObject({ registered: 0, waiting: 3, absent: 0, admitted: 2, outstanding: 2 })
  })

  test.each([
    ['without a token', { token: undefined }, 401, 'UNAUTHENTICATED'],
    ['of a sale without a waiting room', { plain: true }, 404, 'NOT_FOUND'],
    ['of a sale that is over', { over: true }, 403, 'ENDED'],
  ])('there is no place %s', async (_what, { plain, over, ...options }: Record<string, unknown>, status, code) => {
    const saleId = await system.createSale({
      ...(!plain && { opening: { waitingRoom: ROOM } }),
      ...(over === true && { opensInMs: -60_000, closesInMs: -1_000 }),
    })
    for (const [method, path] of [
      ['POST', `/sales/${saleId}/place`],
      ['GET', `/sales/${saleId}/place/events`],
    ] as const) {
      const answer = await call(method, system.url(path), { token: tokenOf('ann'), ...options })
      expect([answer.status, answer.body.code]).toEqual([status, code])
    }
  })
})

describe('a sale that is a draw', () => {
  const draw = { admissionSeconds: 3_600 }
  const open = (saleId: string) =>
    system.controlRoom('PATCH', `/sales/${saleId}`, { opensAt: new Date().toISOString() })
  /** So many people, in the order of the published seed once the sale is open. */
  async function drawn(change: object, count: number) {
    const saleId = await system.createSale({ opening: { draw }, opensInMs: 600_000, closesInMs: 7_200_000, ...change })
    const people = Array.from({ length: count }, (_, i) => `person ${i}`)
    for (const person of people) expect(await stateOf(saleId, person)).toMatchObject({ state: 'REGISTERED' })
    await open(saleId)
    const { body } = await eventually(
      'the seed to be published',
      () => call('GET', system.url(`/sales/${saleId}`)),
      (answer) => answer.body.seed !== undefined,
    )
    const numberOf = (person: string) =>
      createHash('sha256')
        .update(`${String(body.seed)} ${person}`)
        .digest('hex')
    return { saleId, inOrder: people.toSorted((one, other) => (numberOf(one) < numberOf(other) ? -1 : 1)) }
  }
  const states = (saleId: string, people: string[]) =>
    Promise.all(people.map(async (person) => (await stateOf(saleId, person)).state))
  const untilAdmitted = (saleId: string, people: string[], count: number) =>
    eventually(
      `${count} of them to be admitted`,
      () => states(saleId, people),
      (all) => all.filter((state) => state === 'ADMITTED').length === count,
    )
  const waiting = (count: number) => Array<string>(count).fill('WAITING')

  test('lets only as many of the first buy as there are units, by a seed that anyone can check', async () => {
    const { saleId, inOrder } = await drawn({ stock: 2 }, 6)
    const expected = ['ADMITTED', 'ADMITTED', ...waiting(4)]
    expect(await untilAdmitted(saleId, inOrder, 2)).toEqual(expected)
    const late = await place(saleId, 'late')
    expect([late.status, late.body.code]).toEqual([403, 'REGISTRATION_CLOSED'])
    expect(await refused(saleId, 'late')).toEqual([403, 'ADMISSION_REQUIRED'])
    const [first = '', second = ''] = inOrder
    const { admission } = await stateOf(saleId, first)
    expect((await buy(saleId, first, admission)).status).toBe(202)
    await untilAdmitting(saleId)
    expect(await states(saleId, inOrder)).toEqual(expected)
    expect((await buy(saleId, second, (await stateOf(saleId, second)).admission)).status).toBe(202)
    await untilAdmitting(saleId)
    expect(await states(saleId, inOrder.slice(2))).toEqual(waiting(4))
    expect(await system.auditAtRest(saleId)).toMatchObject({ balanced: true, sales: [{ sold: 2 }] })
  })

  test('keeps for each as many units as one buyer may have', async () => {
    const { saleId, inOrder } = await drawn({ stock: 5, perBuyerLimit: 2 }, 4)
    expect(await untilAdmitted(saleId, inOrder, 2)).toEqual(['ADMITTED', 'ADMITTED', ...waiting(2)])
    await untilAdmitting(saleId)
    expect(await states(saleId, inOrder.slice(2))).toEqual(waiting(2))
  })

  test('draws one more for the units that are left when all others have theirs', async () => {
    const { saleId, inOrder } = await drawn({ stock: 3, perBuyerLimit: 2 }, 3)
    const [first = '', second = '', third = ''] = inOrder
    const { admission = '' } = await admitted(saleId, first)
    await untilAdmitting(saleId)
    expect(await states(saleId, [second, third])).toEqual(waiting(2))
    const both = await system.buy(saleId, tokenOf(first), { quantity: 2 }, { [ADMISSION_HEADER]: admission })
    expect(both.status).toBe(202)
    const last = await admitted(saleId, second)
    await untilAdmitting(saleId)
    expect(await states(saleId, [third])).toEqual(waiting(1))
    expect((await buy(saleId, second, last.admission)).status).toBe(202)
    expect(await system.auditAtRest(saleId)).toMatchObject({ balanced: true, sales: [{ sold: 3 }] })
  })

  test('gives a unit that is not bought, or comes back, to the next, and to no buyer twice', async () => {
    const { saleId, inOrder } = await drawn({ stock: 1 }, 3)
    await untilAdmitted(saleId, inOrder, 1)
    const [first = '', second = ''] = inOrder
    const { admitted: admissions, outstanding } = system.world.stock.keys
    for (const key of [admissions, outstanding]) await system.world.redis.zadd(key(saleId), 1, first)
    const { admission } = await admitted(saleId, second)
    expect((await place(saleId, first)).body.code).toBe('REGISTRATION_CLOSED')

    const { body } = await buy(saleId, second, admission)
    const token = tokenOf(second)
    await cancelOrder(system, String(body.id), token)
    expect(await refused(saleId, second, admission)).toEqual([403, 'ADMISSION_USED'])
    const again = await system.buy(saleId, token, {}, { [ADMISSION_HEADER]: String(admission), 'idempotency-key': 'k' })
    expect(again.body.code).toBe('ADMISSION_USED')
    const third = await admitted(saleId, inOrder[2] ?? '')
    expect((await buy(saleId, inOrder[2] ?? '', third.admission)).status).toBe(202)
    expect(await system.auditAtRest(saleId)).toMatchObject({ balanced: true, sales: [{ sold: 1 }] })
  })

  test('takes the place of a waiting room: a sale cannot have both', async () => {
    const saleId = await system.createSale()
    const answer = await system.controlRoom('PATCH', `/sales/${saleId}`, { opening: { draw, waitingRoom: ROOM } })
    expect(answer.status).toBe(400)
  })
})
