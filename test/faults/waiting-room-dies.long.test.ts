import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { slicesOf } from '../../core/platform/batches/divide.ts'
import type { Failpoint } from '../../core/platform/process/failpoint.ts'
import { numberOf } from '../../core/waiting-room/order.ts'
import { WaitingRoom } from '../../core/waiting-room/waiting-room.ts'
import { dieRepeatedly } from '../support/dying.ts'
import { eventually } from '../support/eventually.ts'
import { startSystem, type System } from '../support/system.ts'

const PEOPLE = 700
const PER_SECOND = 40

let system: System
let room: WaitingRoom
beforeAll(async () => {
  system = await startSystem()
  room = new WaitingRoom(system.world.redis, system.world.keyPrefix)
})
afterAll(() => system.close())

const people = Array.from({ length: PEOPLE }, (_, i) => `person ${i}`)

/** Where all of them stand; it is a sign of life of each. */
async function standingsOf(saleId: string) {
  const found = await Promise.all(
    slicesOf(people, 100).map((some) =>
      room.attend(
        saleId,
        some.map((buyerId) => ({ buyerId })),
      ),
    ),
  )
  const standings = found.flatMap((answer) => answer?.standings ?? [])
  return { standings, room: found.at(-1)?.room }
}

describe('the cancel worker, which admits, is killed', () => {
  const KILLED = {
    'while it shuffles': 'shuffling.betweenBatches',
    'after it has admitted a batch': 'admitting.afterBatch',
  } as const satisfies Record<string, Failpoint>

  test.each(Object.entries(KILLED))(
    '%s: the next one goes on, in the same order and at the same rate',
    async (_when, at) => {
      const opening = { waitingRoom: { perSecond: PER_SECOND, absentSeconds: 3_600 } }
      const saleId = await system.createSale({ opening, stock: PEOPLE, opensInMs: 3_600_000, closesInMs: 7_200_000 })
      expect((await standingsOf(saleId)).room).toMatchObject({ registered: PEOPLE })
      await system.stop('cancel-worker')
      await system.controlRoom('PATCH', `/sales/${saleId}`, { opensAt: new Date().toISOString() })
      await dieRepeatedly('cancel-worker', system.env, at, async () => {})
      await system.start('cancel-worker')

      const seen = await eventually(
        'some to be admitted',
        () => standingsOf(saleId),
        ({ standings }) => standings.filter(({ state }) => state === 'ADMITTED').length > PER_SECOND,
      )
      await system.stop('cancel-worker')
      const nowMs = await system.world.stock.clock.read()
      const { standings, room: figures } = await standingsOf(saleId)
      const numbers = (which: string) =>
        people.filter((_, i) => standings[i]?.state === which).map(numberIn(seen.room?.seed))
      const [admitted, waiting] = [numbers('ADMITTED'), numbers('WAITING')]
      expect(admitted.length + waiting.length).toBe(PEOPLE)
      // Those who came first in the order, and no more of them than the rate allows.
      expect(
        admitted
          .toSorted()
          .at(-1)
          ?.localeCompare(waiting.toSorted()[0] ?? 'g'),
      ).toBe(-1)
      const openMs = nowMs - (figures?.shuffledAtMs ?? 0)
      expect(admitted.length).toBeLessThanOrEqual((openMs * PER_SECOND) / 1_000)
      await system.start('cancel-worker')
    },
  )
})

describe('the cancel worker, which draws, is killed', () => {
  const KILLED = {
    'while it draws': 'shuffling.betweenBatches',
    'between drawing and giving admissions': 'admitting.beforeBatch',
    'after it has given some': 'admitting.afterBatch',
  } as const satisfies Record<string, Failpoint>
  /** More than one batch. */
  const UNITS = 250

  test.each(Object.entries(KILLED))('%s: the next one gives each unit to one of the first', async (_when, at) => {
    const opening = { draw: { admissionSeconds: 3_600 } }
    const saleId = await system.createSale({ opening, stock: UNITS, opensInMs: 3_600_000, closesInMs: 7_200_000 })
    expect((await standingsOf(saleId)).room).toMatchObject({ registered: PEOPLE })
    await system.stop('cancel-worker')
    await system.controlRoom('PATCH', `/sales/${saleId}`, { opensAt: new Date().toISOString() })
    await dieRepeatedly('cancel-worker', system.env, at, async () => {})
    await system.start('cancel-worker')
    const { room: figures } = await eventually(
      'all to be drawn',
      () => standingsOf(saleId),
      ({ standings }) => standings.filter(({ state }) => state === 'ADMITTED').length >= UNITS,
    )
    await untilAdmitting(saleId)
    const { standings } = await standingsOf(saleId)
    const inOrder = people.toSorted((one, other) =>
      numberIn(figures?.seed)(one) < numberIn(figures?.seed)(other) ? -1 : 1,
    )
    const drawn = people.filter((_, i) => standings[i]?.state === 'ADMITTED')
    expect(drawn.toSorted()).toEqual(inOrder.slice(0, UNITS).toSorted())
    expect((await room.readCounts(saleId)).admitted).toBe(UNITS)
  })
})

/** Until the cancel worker has begun and ended a run for that sale. */
async function untilAdmitting(saleId: string): Promise<void> {
  const latest = () => system.world.redis.hget(system.world.stock.keys.room(saleId), 'admits_from_ms')
  for (let runs = 0; runs < 2; runs++) {
    const before = await latest()
    await eventually('a run of the cancel worker', latest, (at) => at !== before)
  }
}

const numberIn =
  (seed = '') =>
  (person: string) =>
    numberOf(seed, person)
