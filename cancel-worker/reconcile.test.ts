import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { placeOrders } from '../core/orders/place-orders.ts'
import { tellEnded } from '../core/orders/tell-ended.ts'
import { tellStock } from '../core/orders/tell-stock.ts'
import { cancelForBuyer } from '../core/orders/transitions.ts'
import { createLog } from '../core/platform/log.ts'
import { closeSale } from '../core/rebuild/close-sale.ts'
import { reopenSale } from '../core/rebuild/reopen-sale.ts'
import { SaleDoor } from '../core/stock/sale-door.ts'
import { eventually } from '../test/support/eventually.ts'
import { Ledger, reservation, rules } from '../test/support/ledger.ts'
import { reserveOne } from '../test/support/reserve-one.ts'
import { createWorld, type World } from '../test/support/world.ts'
import { Reconciler } from './reconcile.ts'

const STOCK = 10
const log = createLog('test', 'silent')
let world: World
let door: SaleDoor
beforeAll(async () => {
  world = await createWorld()
  door = new SaleDoor(world.redis, world.keyPrefix)
})
afterAll(() => world.close())

const deps = () => ({ database: world.database, stock: world.stock, door, log })
const reconciler = (missingForMs: number, healed: number[] = []) => new Reconciler({ ...deps(), onHealed: (units) => { healed.push(units) } }, missingForMs, 0)

async function openSale(): Promise<string> {
  const saleId = await new Ledger(world).sale(STOCK, `sale-${randomUUID().slice(0, 8)}`)
  const closed = await closeSale(deps(), saleId)
  if (closed) await reopenSale(deps(), closed)
  return saleId
}
const left = async (saleId: string) => (await world.stock.readSale(saleId))?.left
const move = (saleId: string, units: number) => world.redis.hincrby(door.keys.sale(saleId), 'stock', units)

async function reserve(saleId: string, n: number) {
  const message = reservation(saleId, n)
  await reserveOne(world.stock, { saleId, epoch: 1, total: STOCK }, message)
  return message
}

test('units that Redis has too many are taken away at once, also while others are on their way', async () => {
  const saleId = await openSale()
  await tellStock(world.stock, await placeOrders(world.database, [await reserve(saleId, 1)], rules), log)
  await move(saleId, 3)
  const healed: number[] = []
  await reconciler(60_000, healed).look()
  expect(await left(saleId)).toBe(STOCK - 1)
  expect(healed).toEqual([-3])
})

test('units that are missing are put back once, after they were missing for as long as a reservation lives', async () => {
  const saleId = await openSale()
  await move(saleId, -2)
  const [patient, healed] = [reconciler(60_000), [] as number[]]
  await patient.look()
  await patient.look()
  expect(await left(saleId)).toBe(STOCK - 2)
  const [one, other] = [reconciler(200, healed), reconciler(200, healed)]
  await eventually('the units to be back', async () => {
    await Promise.all([one.look(), other.look()])
    return left(saleId)
  }, (units) => units !== STOCK - 2)
  await Promise.all([one.look(), other.look()])
  expect(await left(saleId)).toBe(STOCK)
  expect(healed).toEqual([2])
})

async function order(saleId: string, n: number): Promise<string> {
  const verdicts = await placeOrders(world.database, [await reserve(saleId, n)], rules)
  await tellStock(world.stock, verdicts, log)
  const decision = verdicts[0]?.decision
  if (decision?.outcome !== 'ORDERED') throw new Error(`Expected ORDERED, got ${JSON.stringify(decision)}`)
  return decision.orderId
}

async function refund(orderId: string): Promise<void> {
  const ledger = new Ledger(world)
  await ledger.pay(orderId)
  await ledger.refund(orderId)
}

/** What happens to units, and how many are left in Redis then. */
const onTheirWay: [string, number, (saleId: string) => Promise<unknown>][] = [
  ['set aside', STOCK - 1, (saleId) => reserve(saleId, 1)],
  ['ordered, Redis not told', STOCK - 1, async (saleId) => placeOrders(world.database, [await reserve(saleId, 1)], rules)],
  ['ordered', STOCK - 1, (saleId) => order(saleId, 1)],
  ['cancelled, not given back', STOCK - 1, async (saleId) => cancelForBuyer(world.database, await order(saleId, 1), 'buyer-1')],
  ['refunded, not given back', STOCK - 1, async (saleId) => refund(await order(saleId, 1))],
]

test.each(onTheirWay)('a unit that is %s is neither missing nor one too many', async (_what, units, happens) => {
  const saleId = await openSale()
  await happens(saleId)
  const healed: number[] = []
  const looking = reconciler(0, healed)
  for (let look = 0; look < 3; look++) await looking.look()
  expect([await left(saleId), healed]).toEqual([units, []])
})

interface Busy {
  change: string
  /** Units set aside and not ordered yet, before it. */
  waiting: number
  left: number
  happens: (saleId: string, orderId: string, waiting: ReturnType<typeof reservation>[]) => Promise<unknown>
}

const busy: Busy[] = [
  { change: 'placed and told', waiting: 1, left: STOCK - 2, happens: async (_sale, _order, waiting) => tellStock(world.stock, await placeOrders(world.database, waiting, rules), log) },
  {
    change: 'cancelled and given back', waiting: 0, left: STOCK, happens: async (_sale, orderId) => {
      await cancelForBuyer(world.database, orderId, 'buyer-1')
      await tellEnded(deps())
    },
  },
  {
    change: 'refunded and given back', waiting: 0, left: STOCK, happens: async (_sale, orderId) => {
      await refund(orderId)
      await tellEnded(deps())
    },
  },
  { change: 'cancelled only', waiting: 0, left: STOCK - 1, happens: (_sale, orderId) => cancelForBuyer(world.database, orderId, 'buyer-1') },
  { change: 'set aside', waiting: 1, left: STOCK - 3, happens: (saleId) => reserve(saleId, 3) },
]

describe.each(['before', 'after'])('while it reads, right %s Redis answers,', (moment) => {
  test.each(busy)('a unit that is $change neither appears nor vanishes', async ({ waiting, left: units, happens }) => {
    const saleId = await openSale()
    const orderId = await order(saleId, 1)
    const reserved = waiting > 0 ? [await reserve(saleId, 2)] : []
    class BusyDoor extends SaleDoor {
      override async readTally(id: string, epoch: number): ReturnType<SaleDoor['readTally']> {
        if (id !== saleId) return undefined
        const early = moment === 'after' ? await super.readTally(id, epoch) : undefined
        await happens(saleId, orderId, reserved)
        return early ?? await super.readTally(id, epoch)
      }
    }
    const healed: number[] = []
    await new Reconciler({ ...deps(), door: new BusyDoor(world.redis, world.keyPrefix), onHealed: (by) => { healed.push(by) } }, 0, 0).look()
    expect([await left(saleId), healed]).toEqual([units, []])
  })
})

test('two reconcilers that see a unit missing at the same moment put it back once', async () => {
  const saleId = await openSale()
  await move(saleId, -1)
  let putting = 0
  /** Puts nothing back before another wants to as well, or waits for its turn. */
  class SlowDoor extends SaleDoor {
    override async adjust(...asked: Parameters<SaleDoor['adjust']>): Promise<number> {
      putting++
      await eventually('the other', async () => putting > 1 || await new Ledger(world).waitingForLocks() > 0, Boolean)
      return super.adjust(...asked)
    }
  }
  const slow = () => new Reconciler({ ...deps(), door: new SlowDoor(world.redis, world.keyPrefix), onHealed: () => {} }, 0, 0)
  await Promise.all([slow().look(), slow().look()])
  expect(await left(saleId)).toBe(STOCK)
})

test('a closed sale is left to whoever rebuilds it', async () => {
  const saleId = await openSale()
  await world.redis.hset(door.keys.sale(saleId), { run_id: 'f'.repeat(40), stock: '99' })
  const healed: number[] = []
  await reconciler(0, healed).look()
  expect([await left(saleId), healed]).toEqual([99, []])
})
