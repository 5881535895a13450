import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { loadSale } from '../../test/support/load-sale.ts'
import { createWorld, type World } from '../../test/support/world.ts'
import type { SaleFigures } from '../stock/sale-figures.ts'
import { numberOf, placeOfNumber } from './order.ts'
import { WaitingRoom } from './waiting-room.ts'

const SEED = 'seed-of-a-sale'
const RULES = { admissionMs: 60_000, absentMs: 20_000, keptMs: 60_000 }

let world: World
let room: WaitingRoom
beforeAll(async () => {
  world = await createWorld()
  room = new WaitingRoom(world.redis, world.keyPrefix)
})
afterAll(() => world.close())

let made = 0
async function openSale(change: Partial<SaleFigures> = {}): Promise<string> {
  const sale = {
    saleId: `waiting-${made++}`,
    epoch: 1,
    title: 'A sale',
    priceCents: 100,
    total: 1_000,
    left: 1_000,
    perBuyerLimit: 1,
    opensAtMs: Date.now() - 1_000,
    closesAtMs: Date.now() + 600_000,
    ...change,
  }
  await loadSale(world, sale)
  return sale.saleId
}

/** A sale that has opened, with an empty line. */
async function openLine(change: Partial<SaleFigures> = {}): Promise<string> {
  const saleId = await openSale(change)
  expect(await room.shuffle(saleId, SEED, [])).toBe('SHUFFLED')
  return saleId
}
const soon = { opensAtMs: Date.now() + 600_000, closesAtMs: Date.now() + 700_000 }
const open = (saleId: string) => world.redis.hset(world.stock.keys.sale(saleId), 'opens_at_ms', Date.now() - 1)
const people = (count: number, name = 'buyer') => Array.from({ length: count }, (_, i) => `${name}-${i}`)

/** "member-…" are members. */
const attending = (buyerIds: string[]) =>
  buyerIds.map((buyerId) => ({ buyerId, isMember: buyerId.startsWith('member-') }))
async function attend(saleId: string, ...buyerIds: string[]) {
  const found = await room.attend(saleId, attending(buyerIds))
  if (!found) throw new Error('expected the sale to be loaded')
  return found
}
const standing = async (saleId: string, buyerId: string) => (await attend(saleId, buyerId)).standings[0]
const placesOf = (buyerIds: string[]) =>
  buyerIds.map((buyerId) => ({ buyerId, place: placeOfNumber(numberOf(SEED, buyerId)) }))
/** The names of those who are admitted, in the order of their places. */
const admitted = (saleId: string) => world.redis.zrange(world.stock.keys.admitted(saleId), 0, '-1')
/** Their last sign of life was so long ago. */
const silentFor = async (saleId: string, ms: number, ...buyerIds: string[]) => {
  const seenAtMs = (await world.stock.clock.read()) - ms
  await world.redis.zadd(world.stock.keys.seen(saleId), ...buyerIds.flatMap((buyerId) => [seenAtMs, buyerId]))
}

describe('places', () => {
  test('who comes before the opening is registered, and placed by the seed, not by the time of coming', async () => {
    const saleId = await openSale(soon)
    const early = people(50)
    expect((await attend(saleId, ...early)).standings).toEqual(early.map(() => ({ state: 'REGISTERED' })))
    expect(await room.shuffle(saleId, SEED, placesOf(early))).toBe('NOT_YET')
    expect(await room.readSeed(saleId)).toBeUndefined()
    await open(saleId)
    expect((await standing(saleId, 'late'))?.state).toBe('WAITING')
    expect(await room.shuffle(saleId, SEED, placesOf(await room.earlyBuyers(saleId, 30)))).toBe('MORE')
    expect(await room.readSeed(saleId)).toBeUndefined()
    expect(await room.admit(saleId, RULES)).toMatchObject({ admitted: 0 })
    expect(await room.shuffle(saleId, SEED, placesOf(await room.earlyBuyers(saleId, 30)))).toBe('SHUFFLED')
    expect(await room.readSeed(saleId)).toBe(SEED)
    const inOrder = [...early.toSorted((one, other) => (numberOf(SEED, one) < numberOf(SEED, other) ? -1 : 1)), 'late']
    expect((await attend(saleId, ...inOrder)).standings).toEqual(
      inOrder.map((buyerId, ahead) => ({
        state: 'WAITING',
        ahead,
        number: buyerId === 'late' ? undefined : numberOf(SEED, buyerId),
        isMember: false,
      })),
    )
  })

  test('who comes after the opening stands behind all others, first in, first out', async () => {
    const saleId = await openLine()
    const late = people(5)
    for (const [ahead, buyerId] of late.entries())
      expect(await standing(saleId, buyerId)).toEqual({ state: 'WAITING', ahead, number: undefined, isMember: false })
    await room.admit(saleId, RULES, { stepsMax: 2 })
    expect((await attend(saleId, ...late)).standings.map(({ state }) => state)).toEqual([
      'ADMITTED',
      'ADMITTED',
      'WAITING',
      'WAITING',
      'WAITING',
    ])
  })

  test('a buyer has one place, however often and on however many devices they come', async () => {
    const saleId = await openLine()
    await attend(saleId, 'ann', 'bob')
    const again = await Promise.all(people(20).map(() => standing(saleId, 'ann')))
    expect(again).toEqual(again.map(() => ({ state: 'WAITING', ahead: 0, number: undefined, isMember: false })))
    expect((await attend(saleId, 'bob')).room).toMatchObject({ waiting: 2 })
  })

  test('two who shuffle at once, and one who goes on where another was killed, place each buyer once', async () => {
    const saleId = await openSale(soon)
    const early = people(40)
    await attend(saleId, ...early)
    await open(saleId)
    await room.shuffle(saleId, SEED, placesOf(early.slice(0, 10)))
    const answers = await Promise.all([1, 2].map(() => room.shuffle(saleId, SEED, placesOf(early))))
    expect(answers).toEqual(['SHUFFLED', 'SHUFFLED'])
    expect((await attend(saleId, 'buyer-0')).room).toMatchObject({ registered: 0, waiting: 40 })
  })

  test('a full room takes no other, and those who have a place keep it', async () => {
    const saleId = await openLine()
    const answer = await room.attend(saleId, attending(people(4)), { peopleMax: 3 })
    expect(answer?.standings.map(({ state }) => state)).toEqual(['WAITING', 'WAITING', 'WAITING', 'FULL'])
    expect(await standing(saleId, 'buyer-0')).toMatchObject({ state: 'WAITING', ahead: 0 })
  })

  test('a buyer on the blacklist gets no place', async () => {
    const saleId = await openLine()
    await world.redis.sadd(world.stock.keys.blacklist(saleId), 'banned')
    expect((await attend(saleId, 'banned', 'ann')).standings).toMatchObject([{ state: 'BLACKLISTED' }, { ahead: 0 }])
  })

  test('a buyer who is put on the blacklist while they wait, or registered for a draw, is passed over', async () => {
    for (const rules of [RULES, { admissionMs: 60_000 }]) {
      const saleId = await openSale(soon)
      await attend(saleId, 'ann', 'bob')
      await world.redis.sadd(world.stock.keys.blacklist(saleId), 'ann')
      await open(saleId)
      await room.shuffle(saleId, SEED, placesOf(['ann', 'bob']))
      expect(await room.admit(saleId, rules, { free: 2 })).toMatchObject({ admitted: 1 })
      expect(await admitted(saleId)).toEqual(['bob'])
      expect(await standing(saleId, 'ann')).toEqual({ state: 'BLACKLISTED' })
    }
  })

  test('there is no line of a sale that Redis does not have', async () => {
    expect(await room.attend('unknown', [{ buyerId: 'ann' }])).toBeUndefined()
    expect(await room.shuffle('unknown', SEED, [])).toBe('NOT_YET')
    expect(await room.admit('unknown', RULES)).toEqual({ admitted: 0, absent: 0, hasMore: false })
  })
})

describe('absence', () => {
  test('who is absent does not stop the line: the next who is present is admitted in the same call', async () => {
    const saleId = await openLine()
    const absent = people(150, 'absent')
    await attend(saleId, ...absent)
    await attend(saleId, 'present')
    await silentFor(saleId, 20_001, ...absent)
    expect(await room.admit(saleId, { ...RULES, perSecond: 1_000_000 }, { free: 1 })).toEqual({
      admitted: 1,
      absent: 150,
      hasMore: false,
    })
    expect(await admitted(saleId)).toEqual(['present'])
  })

  test('of many absent people at the front one call looks at some, and says that there is more to do', async () => {
    const saleId = await openLine()
    await attend(saleId, ...people(20, 'absent'))
    await attend(saleId, 'present')
    await silentFor(saleId, 20_001, ...people(20, 'absent'))
    const calls = []
    for (let hasMore = true; hasMore; ) {
      const batch = await room.admit(saleId, RULES, { free: 1, stepsMax: 4 })
      calls.push(batch)
      ;({ hasMore } = batch)
      if (batch.admitted > 0) break
    }
    expect(calls.length).toBeLessThan(7)
    expect(await admitted(saleId)).toEqual(['present'])
  })

  test('a place survives an absence, and is lost after a while', async () => {
    const saleId = await openLine()
    await attend(saleId, 'short', 'long', 'there')
    await silentFor(saleId, 20_001, 'short', 'long')
    await room.admit(saleId, RULES, { free: 0 })
    expect((await attend(saleId, 'there')).room).toMatchObject({ waiting: 1, absent: 2 })
    expect(await standing(saleId, 'there')).toMatchObject({ ahead: 0 })
    expect(await standing(saleId, 'short')).toMatchObject({ ahead: 0 })
    const { away } = world.stock.keys
    await world.redis.zadd(away(saleId), (await world.stock.clock.read()) - 60_001, 'long')
    await room.admit(saleId, RULES, { free: 0 })
    expect(await standing(saleId, 'long')).toMatchObject({ ahead: 2 })
  })

  test('a sign of life of a time to come, from before the clock stepped back, admits no absent buyer', async () => {
    const saleId = await openLine()
    await attend(saleId, 'gone', 'there')
    await silentFor(saleId, -3_600_000, 'gone')
    await room.admit(saleId, RULES)
    expect(await admitted(saleId)).toEqual(['there'])
  })

  test('who registered and is not there at the opening gets a place, and comes back to it', async () => {
    const saleId = await openSale(soon)
    const early = people(10)
    await attend(saleId, ...early)
    const key = world.stock.keys.early(saleId)
    const longAgoMs = (await world.stock.clock.read()) - 300_000
    await world.redis.zadd(key, ...early.slice(1).flatMap((buyerId) => [longAgoMs, buyerId]))
    await open(saleId)
    await room.shuffle(saleId, SEED, placesOf(early))
    await room.admit(saleId, RULES, { free: 1 })
    expect(await admitted(saleId)).toEqual(['buyer-0'])
    expect(await standing(saleId, 'buyer-5')).toMatchObject({ ahead: 0, number: numberOf(SEED, 'buyer-5') })
  })
})

describe('admission', () => {
  /** As if so much time had passed since the last admissions. */
  const passMs = (saleId: string, ms: number) =>
    world.redis.hincrbyfloat(world.stock.keys.room(saleId), 'admits_from_ms', -ms)

  test('is by rate, and however many processes admit, together they admit no more than one', async () => {
    const saleId = await openLine()
    await attend(saleId, ...people(400))
    const { shuffledAtMs = 0 } = (await attend(saleId, 'buyer-0')).room
    const rules = { ...RULES, perSecond: 50 }
    let count = 0
    for (let run = 0; run < 5; run++) {
      await passMs(saleId, 200)
      const batches = await Promise.all(people(6).map(() => room.admit(saleId, rules)))
      for (const batch of batches) count += batch.admitted
    }
    const elapsedMs = (await world.stock.clock.read()) - shuffledAtMs + 5 * 200
    expect(count).toBeLessThanOrEqual((elapsedMs * 50) / 1_000)
    expect(count).toBeGreaterThanOrEqual(50)
    expect(await admitted(saleId)).toHaveLength(count)
  })

  test('what a rate left unused is made up for over a second only', async () => {
    const saleId = await openLine()
    await attend(saleId, ...people(100))
    await world.redis.hset(world.stock.keys.room(saleId), 'admits_from_ms', 1)
    expect(await room.admit(saleId, { ...RULES, perSecond: 20 })).toMatchObject({ admitted: 20 })
  })

  test('goes on at once after the clock stepped back', async () => {
    const saleId = await openLine()
    await attend(saleId, ...people(10))
    const ahead = (await world.stock.clock.read()) + 3_600_000
    await world.redis.hset(world.stock.keys.room(saleId), { admits_from_ms: ahead, counted_from_ms: ahead })
    await room.admit(saleId, { ...RULES, perSecond: 10 })
    await passMs(saleId, 150)
    expect((await room.admit(saleId, { ...RULES, perSecond: 10 })).admitted).toBeGreaterThan(0)
  })

  test('is by free room: who has bought, and who let their turn pass, make room for another', async () => {
    const saleId = await openLine()
    await attend(saleId, ...people(10))
    const { outstanding: key } = world.stock.keys
    const admitWithin = async (most: number) => {
      const { outstanding, inAll } = await room.countAdmissions(saleId)
      return (await room.admit(saleId, RULES, { free: Math.max(0, most - outstanding), admittedThen: inAll })).admitted
    }
    expect([await admitWithin(3), await admitWithin(3)]).toEqual([3, 0])
    await room.bought(saleId, ['buyer-1', 'buyer-2'])
    expect([await admitWithin(3), await admitWithin(3)]).toEqual([2, 0])
    await world.redis.zadd(key(saleId), 1, 'buyer-0')
    await room.admit(saleId, RULES, { free: 0 })
    expect([await admitWithin(3), await admitWithin(3)]).toEqual([1, 0])
  })

  test('is not given twice for the same free room', async () => {
    const saleId = await openLine()
    await attend(saleId, ...people(10))
    const { outstanding, inAll } = await room.countAdmissions(saleId)
    const both = await Promise.all(
      [1, 2].map(() => room.admit(saleId, RULES, { free: 3 - outstanding, admittedThen: inAll })),
    )
    expect(new Set(both.map((batch) => batch.admitted))).toEqual(new Set([0, 3]))
  })

  test('keeps its room after its end for as long as a purchase may be under way', async () => {
    const saleId = await openLine()
    await attend(saleId, 'last')
    await room.admit(saleId, RULES)
    const { admitted: until, outstanding } = world.stock.keys
    const [endsAtMs, roomUntilMs] = await Promise.all(
      [until, outstanding].map(async (key) => Number(await world.redis.zscore(key(saleId), 'last'))),
    )
    // The gateway checks an admission before it reserves, and may have to read the sale again in between.
    expect((roomUntilMs ?? 0) - (endsAtMs ?? 0)).toBeGreaterThanOrEqual(5_000)
  })

  test('one that was not used in time is over, and its buyer stands in line again, at the end', async () => {
    const saleId = await openLine()
    await attend(saleId, 'slow')
    await room.admit(saleId, RULES)
    await attend(saleId, 'next')
    expect(await standing(saleId, 'slow')).toMatchObject({ state: 'ADMITTED' })
    await world.redis.zadd(world.stock.keys.admitted(saleId), (await world.stock.clock.read()) - 1, 'slow')
    expect(await standing(saleId, 'slow')).toMatchObject({ state: 'WAITING', ahead: 1 })
  })

  test.each<[when: string, field: string, value: string | number]>([
    ['is stopped', 'stopped', 1],
    ['is closed to be rebuilt', 'run_id', ''],
    ['has ended', 'closes_at_ms', 1],
    ['was moved to a later time', 'opens_at_ms', Date.now() + 600_000],
  ])('does not happen while the sale %s', async (_when, field, value) => {
    const saleId = await openLine()
    await attend(saleId, 'ann')
    await world.redis.hset(world.stock.keys.sale(saleId), field, value)
    expect(await room.admit(saleId, RULES)).toMatchObject({ admitted: 0 })
  })

  test('its rate is measured', async () => {
    const saleId = await openLine()
    await attend(saleId, ...people(100))
    expect((await attend(saleId, 'buyer-0')).room.perSecond).toBeUndefined()
    await room.admit(saleId, RULES, { stepsMax: 80 })
    const startedAtMs = (await world.stock.clock.read()) - 20_000
    await world.redis.hset(world.stock.keys.room(saleId), 'counted_from_ms', startedAtMs)
    expect((await attend(saleId, 'buyer-99')).room.perSecond).toBeCloseTo(4, 0)
    await room.admit(saleId, RULES, { free: 0 })
    expect((await room.readCounts(saleId)).perSecond).toBeCloseTo(4, 0)
  })
})

describe("a members' line", () => {
  const shared = (membersShare: number) => ({ ...RULES, membersShare })
  const isMember = (buyerId: string) => buyerId.startsWith('member-')
  const admitSome = async (saleId: string, membersShare: number, free: number) => {
    const { inAll } = await room.countAdmissions(saleId)
    return await room.admit(saleId, shared(membersShare), { free, admittedThen: inAll, stepsMax: 80 })
  }
  const membersAmong = async (saleId: string) => (await admitted(saleId)).filter(isMember).length

  test('gets its share of the admissions while others wait as well, in however many calls', async () => {
    const saleId = await openLine()
    await attend(saleId, ...people(40), ...people(40, 'member'))
    for (const [calls, free, members] of [
      [1, 20, 14],
      [20, 1, 28],
    ] as const) {
      for (let call = 0; call < calls; call++) await admitSome(saleId, 70, free)
      expect(await membersAmong(saleId)).toBe(members)
    }
    expect(await admitted(saleId)).toHaveLength(40)
    // Each line in the order of its places.
    expect((await admitted(saleId)).toSorted()).toEqual([...people(12), ...people(28, 'member')].toSorted())
  })

  test.each([
    ['members', 'buyer', 0],
    ['others', 'member', 20],
  ])('without %s, its admissions are not left unused, and none are owed later', async (_empty, name, members) => {
    const saleId = await openLine()
    await attend(saleId, ...people(20, name))
    expect(await room.admit(saleId, shared(50))).toMatchObject({ admitted: 20 })
    expect(await membersAmong(saleId)).toBe(members)
    await attend(saleId, ...people(20, 'buyer-late'), ...people(20, 'member-late'))
    await admitSome(saleId, 50, 10)
    expect(await membersAmong(saleId)).toBe(members + 5)
  })

  test('tells how many are ahead in the own line, shuffled by the same numbers', async () => {
    const saleId = await openSale(soon)
    const early = [...people(10), ...people(10, 'member')]
    expect((await attend(saleId, ...early)).standings).toEqual(early.map(() => ({ state: 'REGISTERED' })))
    await open(saleId)
    expect(await room.shuffle(saleId, SEED, placesOf(early))).toBe('SHUFFLED')
    for (const line of [people(10), people(10, 'member')]) {
      const inOrder = line.toSorted((one, other) => (numberOf(SEED, one) < numberOf(SEED, other) ? -1 : 1))
      expect((await attend(saleId, ...inOrder)).standings).toEqual(
        inOrder.map((buyerId, ahead) => ({
          state: 'WAITING',
          ahead,
          number: numberOf(SEED, buyerId),
          isMember: isMember(buyerId),
        })),
      )
    }
    expect((await attend(saleId, 'buyer-0')).room).toMatchObject({ waiting: 20, members: 10 })
    expect(await room.readCounts(saleId)).toMatchObject({ waiting: 20, members: 10 })
  })

  test('keeps the places of absent members, who use nothing of the share', async () => {
    const saleId = await openLine()
    await attend(saleId, ...people(4), ...people(4, 'member'))
    await silentFor(saleId, 20_001, 'member-0', 'member-1')
    await room.admit(saleId, shared(50), { free: 4 })
    expect((await admitted(saleId)).toSorted()).toEqual(['buyer-0', 'buyer-1', 'member-2', 'member-3'])
    expect(await standing(saleId, 'member-1')).toMatchObject({ isMember: true, ahead: 0 })
    expect(await standing(saleId, 'member-0')).toMatchObject({ isMember: true, ahead: 0 })
  })

  test('that is closed while people stand in it is served in the order of all places', async () => {
    const saleId = await openLine()
    await attend(saleId, 'member-0', 'buyer-0', 'member-1', 'buyer-1')
    await room.admit(saleId, RULES, { free: 3 })
    expect((await admitted(saleId)).toSorted()).toEqual(['buyer-0', 'member-0', 'member-1'])
  })

  test('counts in a full room', async () => {
    const saleId = await openLine()
    await attend(saleId, ...people(3, 'member'))
    const { standings = [] } = (await room.attend(saleId, attending(['ann']), { peopleMax: 3 })) ?? {}
    expect(standings).toEqual([{ state: 'FULL' }])
  })
})

describe('a draw', () => {
  const DRAW = { isDraw: true }
  const RULES_OF_DRAW = { admissionMs: 60_000 }
  const take = async (saleId: string, ...buyerIds: string[]) =>
    (await room.attend(saleId, attending(buyerIds), DRAW))?.standings.map(({ state }) => state)

  test('takes no one from the opening on, also while it is shuffled, and keeps those who registered', async () => {
    const saleId = await openSale(soon)
    expect(await take(saleId, 'ann', 'bob')).toEqual(['REGISTERED', 'REGISTERED'])
    await open(saleId)
    expect(await take(saleId, 'late', 'ann')).toEqual(['CLOSED', 'REGISTERED'])
    await room.shuffle(saleId, SEED, placesOf(['ann', 'bob']), DRAW)
    expect(await take(saleId, 'late', 'ann', 'bob')).toEqual(['CLOSED', 'WAITING', 'WAITING'])
    await room.admit(saleId, RULES_OF_DRAW)
    await world.redis.zadd(world.stock.keys.admitted(saleId), 1, 'ann')
    expect(await take(saleId, 'ann', 'bob')).toEqual(['CLOSED', 'ADMITTED'])
  })

  test('admits in its order the present and the absent, as many as there is room for', async () => {
    const saleId = await openSale(soon)
    const early = people(20)
    await take(saleId, ...early)
    const longAgoMs = (await world.stock.clock.read()) - 3_600_000
    await world.redis.zadd(world.stock.keys.early(saleId), ...early.flatMap((buyerId) => [longAgoMs, buyerId]))
    await open(saleId)
    await room.shuffle(saleId, SEED, placesOf(early), DRAW)
    expect(await room.admit(saleId, RULES_OF_DRAW, { free: 7 })).toMatchObject({ admitted: 7, absent: 0 })
    const inOrder = early.toSorted((one, other) => (numberOf(SEED, one) < numberOf(SEED, other) ? -1 : 1))
    expect((await admitted(saleId)).toSorted()).toEqual(inOrder.slice(0, 7).toSorted())
  })

  test('that Redis has lost is held again, after ten minutes to register again', async () => {
    const saleId = await openSale({ epoch: 2 })
    expect(await take(saleId, 'ann')).toEqual(['REGISTERED'])
    const fields = await world.redis.hmget(world.stock.keys.room(saleId), 'created_at_ms', 'gathers_until_ms')
    expect(Number(fields[1]) - Number(fields[0])).toBe(600_000)
    expect(await room.shuffle(saleId, SEED, placesOf(['ann']), DRAW)).toBe('NOT_YET')
  })
})

test('a line that Redis has lost begins anew, under another name: those who return are shuffled together', async () => {
  const saleId = await openLine()
  const before = (await attend(saleId, 'ann', 'bob')).room.line
  // As the rebuilding of the sale does.
  await world.redis.hset(world.stock.keys.sale(saleId), 'epoch', 2)
  await world.redis.del(world.stock.keys.room(saleId), world.stock.keys.line(saleId), world.stock.keys.seen(saleId))
  const after = await attend(saleId, 'bob', 'ann')
  expect(after.standings).toEqual([{ state: 'REGISTERED' }, { state: 'REGISTERED' }])
  expect(Number(after.room.line)).toBeGreaterThanOrEqual(Number(before))
  expect(await room.shuffle(saleId, SEED, placesOf(['ann', 'bob']))).toBe('NOT_YET')
  await world.redis.hset(world.stock.keys.room(saleId), 'gathers_until_ms', 1)
  expect(await room.shuffle(saleId, SEED, placesOf(['ann', 'bob']))).toBe('SHUFFLED')
  expect((await attend(saleId, 'ann')).room).toMatchObject({ waiting: 2, seed: SEED })
})

test('all keys of a room end with the data of its sale', async () => {
  const saleId = await openSale(soon)
  await attend(saleId, 'early', 'member-early')
  await open(saleId)
  await room.shuffle(saleId, SEED, placesOf(['early', 'member-early']))
  await attend(saleId, 'ann', 'bob', 'cid', 'member-1')
  await silentFor(saleId, 20_001, 'ann')
  await room.admit(saleId, RULES, { free: 1 })
  const { sale, ...keys } = world.stock.keys
  const found = await Promise.all(
    [keys.room, keys.line, keys.members, keys.seen, keys.away, keys.kept, keys.admitted, keys.outstanding].map((key) =>
      world.redis.pexpiretime(key(saleId)),
    ),
  )
  const expiry = await world.redis.pexpiretime(sale(saleId))
  expect(found).toEqual(found.map(() => expiry))
})
