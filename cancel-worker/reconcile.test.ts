import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
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

test('what is on its way is not missing: undecided, decided but not told, cancelled but not given back', async () => {
  const saleId = await openSale()
  await reserve(saleId, 1)
  const decided = await placeOrders(world.database, [await reserve(saleId, 2)], rules)
  const verdicts = await placeOrders(world.database, [await reserve(saleId, 3)], rules)
  await tellStock(world.stock, verdicts, log)
  const decision = verdicts[0]?.decision
  await cancelForBuyer(world.database, decision?.outcome === 'ORDERED' ? decision.orderId : '', 'buyer-3')
  const healed: number[] = []
  const looking = reconciler(0, healed)
  for (let look = 0; look < 3; look++) await looking.look()
  expect([await left(saleId), healed]).toEqual([STOCK - 3, []])
  await tellStock(world.stock, decided, log)
  await tellEnded(deps())
  await looking.look()
  expect([await left(saleId), healed]).toEqual([STOCK - 2, []])
})

test.each(['before', 'after'])('what is sold, cancelled and told %s Redis answers makes no unit appear or vanish', async (moment) => {
  const saleId = await openSale()
  const first = await placeOrders(world.database, [await reserve(saleId, 1)], rules)
  await tellStock(world.stock, first, log)
  const decision = first[0]?.decision
  const waiting = await reserve(saleId, 2)
  /** While Redis is asked, an order is cancelled and given back, and another is placed and told. */
  class BusyDoor extends SaleDoor {
    override async readTally(id: string, epoch: number): ReturnType<SaleDoor['readTally']> {
      if (id !== saleId) return undefined
      const early = moment === 'after' ? await super.readTally(id, epoch) : undefined
      await cancelForBuyer(world.database, decision?.outcome === 'ORDERED' ? decision.orderId : '', 'buyer-1')
      await tellEnded(deps())
      await tellStock(world.stock, await placeOrders(world.database, [waiting], rules), log)
      return early ?? await super.readTally(id, epoch)
    }
  }
  const healed: number[] = []
  const looking = new Reconciler({ ...deps(), door: new BusyDoor(world.redis, world.keyPrefix), onHealed: (units) => { healed.push(units) } }, 0, 0)
  await looking.look()
  expect([await left(saleId), healed]).toEqual([STOCK - 1, []])
})

test('a closed sale is left to whoever rebuilds it', async () => {
  const saleId = await openSale()
  await world.redis.hset(door.keys.sale(saleId), { run_id: 'f'.repeat(40), stock: '99' })
  const healed: number[] = []
  await reconciler(0, healed).look()
  expect([await left(saleId), healed]).toEqual([99, []])
})
