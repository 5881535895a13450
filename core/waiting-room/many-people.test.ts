import { afterAll, beforeAll, expect, test } from 'vitest'
import { loadSale } from '../../test/support/load-sale.ts'
import { shortOrLong } from '../../test/support/thoroughness.ts'
import { createWorld, type World } from '../../test/support/world.ts'
import { slicesOf } from '../platform/batches/divide.ts'
import { numberOf, placeOfNumber } from './order.ts'
import { WaitingRoom } from './waiting-room.ts'

const PEOPLE = shortOrLong(5_000, 100_000)
const SEED = 'seed-of-many'
const RULES = { admissionMs: 600_000, absentMs: 600_000, keptMs: 600_000 }

let world: World
let room: WaitingRoom
beforeAll(async () => {
  world = await createWorld()
  room = new WaitingRoom(world.redis, world.keyPrefix)
})
afterAll(() => world.close())

/** As long as those of the demo's sign-in. */
const people = Array.from({ length: PEOPLE }, (_, i) => `demo-${String(i).padStart(16, '0')}`)
const attending = (buyerIds: (string | undefined)[]) => buyerIds.map((buyerId = '') => ({ buyerId }))

async function bytesOf(...keys: string[]): Promise<number> {
  const bytes = await Promise.all(keys.map((key) => world.redis.memory('USAGE', key, 'SAMPLES', 0)))
  return bytes.reduce<number>((sum, some) => sum + (some ?? 0), 0)
}

test(`${PEOPLE} people register, are shuffled and admitted in order; each takes some 250 bytes of Redis`, async () => {
  const saleId = 'many'
  const sale = { saleId, epoch: 1, title: 'A sale', priceCents: 100, total: PEOPLE, left: PEOPLE, perBuyerLimit: 1 }
  await loadSale(world, { ...sale, opensAtMs: Date.now() + 3_600_000, closesAtMs: Date.now() + 7_200_000 })
  const { keys } = world.stock
  for (const some of slicesOf(people, 200)) await room.attend(saleId, attending(some))
  expect((await bytesOf(keys.early(saleId))) / PEOPLE).toBeLessThan(150)

  await world.redis.hset(keys.sale(saleId), 'opens_at_ms', Date.now() - 1)
  for (let answer = 'MORE'; answer === 'MORE'; ) {
    const early = await room.earlyBuyers(saleId, 500)
    const places = early.map((buyerId) => ({ buyerId, place: placeOfNumber(numberOf(SEED, buyerId)) }))
    answer = await room.shuffle(saleId, SEED, places)
  }
  const perPerson = (await bytesOf(keys.line(saleId), keys.seen(saleId), keys.room(saleId))) / PEOPLE
  expect(perPerson).toBeLessThan(300)
  const inOrder = people.toSorted((one, other) => (numberOf(SEED, one) < numberOf(SEED, other) ? -1 : 1))
  const found = await room.attend(saleId, attending([inOrder[0], inOrder[PEOPLE - 1]]))
  expect(found?.standings).toMatchObject([{ ahead: 0 }, { ahead: PEOPLE - 1 }])
  expect(await room.admit(saleId, RULES, { free: 300, stepsMax: 500 })).toMatchObject({ admitted: 300 })
  const after = await room.attend(saleId, attending(inOrder.slice(299, 301)))
  expect(after?.standings.map(({ state }) => state)).toEqual(['ADMITTED', 'WAITING'])
})
