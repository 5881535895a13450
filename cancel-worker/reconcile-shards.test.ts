import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { placeOrders } from '../core/orders/place-orders.ts'
import { settleDecided } from '../core/orders/settle-decided.ts'
import { createLog } from '../core/platform/process/log.ts'
import { bringIntoLine } from '../core/rebuild/bring-into-line.ts'
import { closeSale, readState } from '../core/rebuild/close-sale.ts'
import { reopenSale } from '../core/rebuild/reopen-sale.ts'
import { SaleAdmin } from '../core/stock/sale-admin.ts'
import { ledgerForBuyer, ledgerName, ledgersOf } from '../core/stock/shards.ts'
import { Ledger, reservation, rules } from '../test/support/ledger.ts'
import { reserveOne } from '../test/support/reserve-one.ts'
import { createWorld, type World } from '../test/support/world.ts'
import { Reconciler } from './reconcile.ts'

const [STOCK, SHARDS] = [20, 4]
const log = createLog('test', 'silent')
let world: World
let saleAdmin: SaleAdmin
beforeAll(async () => {
  world = await createWorld()
  saleAdmin = new SaleAdmin(world.redis, world.keyPrefix)
})
afterAll(() => world.close())

const deps = () => ({ database: world.database, saleAdmin, log })
const reconcile = (missingForMs = 60_000) =>
  new Reconciler({ ...deps(), onHealed: () => {} }, missingForMs, 0).runOnce()

async function openSale() {
  const saleId = `sale-${randomUUID().slice(0, 8)}`
  await new Ledger(world).sale(STOCK, saleId)
  await world.database.sale.update({ where: { id: saleId }, data: { shards: SHARDS } })
  const closed = await closeSale(deps(), saleId)
  if (closed) await reopenSale(deps(), closed)
  return { saleId, epoch: 1, shards: SHARDS, total: STOCK }
}
type Opened = Awaited<ReturnType<typeof openSale>>
const stocks = async (sale: Opened) => (await saleAdmin.moves.read(sale))?.stocks
const setUnits = (sale: Opened, shard: number, units: number) =>
  world.redis.hset(saleAdmin.keys.sale(ledgerName(sale.saleId, shard)), 'stock', units)

/** One unit for each of so many buyers, in their shards. */
async function sell(sale: Opened, buyers: number) {
  const sold = Array.from({ length: buyers }, (_, n) => {
    const reservationId = `${ledgerForBuyer(sale, `buyer-${n}`)}.${n}`
    return reservation(sale.saleId, n, { epoch: sale.epoch, reservationId })
  })
  for (const message of sold) await reserveOne(world.stock, sale, message)
  await settleDecided(world.stock, await placeOrders(world.database, sold, rules), log)
  return sold
}

test('the reconciler completes moves whose process died after the first step and after the second', async () => {
  const sale = await openSale()
  await saleAdmin.moves.leave(sale, 0, 1, 3)
  await saleAdmin.moves.arrive(sale, await saleAdmin.moves.leave(sale, 2, 3, 1))
  await reconcile(0)
  expect(await saleAdmin.moves.read(sale)).toEqual({ stocks: [2, 8, 4, 6], left: STOCK, moves: [] })
  await reconcile(0)
  expect(await stocks(sale)).toEqual([2, 8, 4, 6])
})

test('units too many and units that are missing are found in the sum of all shards', async () => {
  const sale = await openSale()
  await setUnits(sale, 1, 9)
  await reconcile()
  expect((await saleAdmin.moves.read(sale))?.left).toBe(STOCK)
  await setUnits(sale, 2, 0)
  await reconcile(0)
  expect((await saleAdmin.moves.read(sale))?.left).toBe(STOCK)
})

test('a stock that is changed changes the shards that have units, and none goes below none', async () => {
  const sale = await openSale()
  for (const [shard, units] of [0, 0, 16, 4].entries()) await setUnits(sale, shard, units)
  const change = async (stock: number) => {
    await world.database.sale.update({ where: { id: sale.saleId }, data: { stock } })
    await bringIntoLine(deps(), sale.saleId)
  }
  await change(STOCK - 10)
  expect(await stocks(sale)).toEqual([0, 0, 6, 4])
  await change(STOCK)
  expect(await saleAdmin.moves.read(sale)).toMatchObject({ left: STOCK })
  await change(STOCK)
  expect(await world.stock.readSale(sale.saleId)).toMatchObject({ total: STOCK, left: STOCK, holderUnits: STOCK })
})

test('a stock that is changed while a shard is lost gives the others nothing', async () => {
  const sale = await openSale()
  await world.redis.del(saleAdmin.keys.sale(ledgerName(sale.saleId, 2)))
  await bringIntoLine(deps(), sale.saleId)
  for (const shard of [0, 1, 3])
    expect(await world.redis.hget(saleAdmin.keys.sale(ledgerName(sale.saleId, shard)), 'stock')).toBe('5')
})

test('a sale of which one shard is lost is closed as a whole and rebuilt under one epoch, its units shared anew', async () => {
  const sale = await openSale()
  const sold = await sell(sale, 9)
  const move = await saleAdmin.moves.leave(sale, 0, 1, 1)
  await world.redis.del(saleAdmin.keys.sale(ledgerName(sale.saleId, 2)))
  expect(await readState(saleAdmin, { id: sale.saleId, shards: SHARDS })).toMatchObject({ state: 'LOST', epoch: 1 })
  const closed = await closeSale(deps(), sale.saleId)
  if (!closed) throw new Error('Expected the sale to be closed')
  const state = await Promise.all(ledgersOf(sale.saleId, SHARDS).map((ledger) => saleAdmin.read(ledger)))
  expect(state).toEqual(Array.from({ length: SHARDS }, () => ({ state: 'CLOSED', epoch: 2, refilled: 0 })))
  expect(await reopenSale(deps(), closed)).toBe(true)
  await saleAdmin.moves.complete(sale, move)
  expect(await saleAdmin.moves.read({ ...sale, epoch: 2 })).toEqual({ stocks: [3, 3, 3, 2], left: 11, moves: [] })
  for (const name of sold) expect(await world.stock.readReservation(name)).toMatchObject({ status: 'ORDERED' })
})

test('every shard blocks the buyers of the blacklist, and the reconciler corrects any of them', async () => {
  const sale = await openSale()
  await world.database.blacklistEntry.create({ data: { buyerId: 'mallory', reason: 'bot' } })
  await reconcile()
  const blocked = () =>
    Promise.all(
      ledgersOf(sale.saleId, SHARDS).map((ledger) =>
        world.redis.sismember(saleAdmin.keys.blacklist(ledger), 'mallory'),
      ),
    )
  expect(await blocked()).toEqual([1, 1, 1, 1])
  await world.redis.del(saleAdmin.keys.blacklist(ledgerName(sale.saleId, 3)))
  await reconcile()
  expect(await blocked()).toEqual([1, 1, 1, 1])
})
