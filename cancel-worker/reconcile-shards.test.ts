import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { placeOrders } from '../core/orders/place-orders.ts'
import { settleDecided } from '../core/orders/settle-decided.ts'
import { settleEnded } from '../core/orders/settle-ended.ts'
import { cancelForBuyer } from '../core/orders/transitions.ts'
import { createLog } from '../core/platform/process/log.ts'
import { bringIntoLine } from '../core/rebuild/bring-into-line.ts'
import { closeSale, readShards } from '../core/rebuild/close-sale.ts'
import { reopenSale } from '../core/rebuild/reopen-sale.ts'
import { SaleAdmin } from '../core/stock/sale-admin.ts'
import { ledgerForBuyer, ledgerName, ledgersOf, shardOf } from '../core/stock/shards.ts'
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

/** Deletes a shard as a failover may, and closes it. */
async function lose(sale: Opened, ...shards: number[]) {
  for (const shard of shards) await world.redis.del(saleAdmin.keys.sale(ledgerName(sale.saleId, shard)))
  const closed = await closeSale(deps(), sale.saleId)
  if (!closed) throw new Error('Expected the sale to be closed')
  return { closed, sale: { ...sale, epoch: closed.epoch } }
}
const statesOf = async ({ saleId }: Opened) =>
  (await readShards(saleAdmin, { id: saleId, shards: SHARDS })).map(({ state, epoch }) => `${state} ${epoch}`)

/** The n-th buyer of that shard, who takes so many units; undecided until the test decides. */
async function reserveIn(sale: Opened, shard: number, n: number, quantity = 1) {
  let i = n * 1_000
  while (shardOf(`buyer-${i}`, SHARDS) !== shard) i++
  const reservationId = `${ledgerName(sale.saleId, shard)}.${i}`
  const message = reservation(sale.saleId, i, { epoch: sale.epoch, reservationId, quantity })
  const { status } = await reserveOne(world.stock, sale, { ...message, limitPerBuyer: 5 })
  return { message, status }
}
const place = (messages: ReturnType<typeof reservation>[]) => placeOrders(world.database, messages, rules)

test('a lost shard is closed alone, and opens with the units that are neither sold nor in the others', async () => {
  const before = await openSale()
  await world.database.sale.update({ where: { id: before.saleId }, data: { perBuyerLimit: 5 } })
  await bringIntoLine(deps(), before.saleId)
  const settled = await reserveIn(before, 2, 1)
  await settleDecided(world.stock, await place([settled.message]), log)
  const undecided = await reserveIn(before, 0, 2, 2)
  const unsettled = await reserveIn(before, 1, 3, 3)
  await place([unsettled.message])
  const cancelled = await reserveIn(before, 3, 4)
  const [verdict] = await place([cancelled.message])
  await settleDecided(world.stock, verdict ? [verdict] : [], log)
  const orderId = verdict?.decision.outcome === 'ORDERED' ? verdict.decision.orderId : ''
  await cancelForBuyer(world.database, orderId, cancelled.message.buyerId)
  const move = await saleAdmin.moves.leave(before, 0, 1, 1)

  const { closed, sale } = await lose(before, 2)
  expect(await statesOf(sale)).toEqual(['OPEN 2', 'OPEN 2', 'CLOSED 2', 'OPEN 2'])
  expect((await reserveIn(sale, 2, 5)).status).toBe('UNAVAILABLE')
  const meanwhile = await reserveIn(sale, 3, 6)
  expect(meanwhile.status).toBe('RESERVED')
  expect(await reopenSale(deps(), closed)).toBe(true)
  // The unit that was under way from shard 0 is among its units; the cancelled one comes back to shard 3.
  await saleAdmin.moves.complete(before, move)
  expect(await saleAdmin.moves.read(sale)).toEqual({ stocks: [2, 2, 5, 3], left: 12, moves: [] })
  expect(await world.stock.readReservation(settled.message)).toMatchObject({ status: 'ORDERED' })

  await settleDecided(world.stock, await place([undecided.message, meanwhile.message, unsettled.message]), log)
  await settleEnded({ ...deps(), stock: world.stock })
  await reconcile(0)
  expect(await stocks(sale)).toEqual([2, 2, 5, 4])
  const { sold, stock } = await world.database.sale.findUniqueOrThrow({ where: { id: sale.saleId } })
  expect([sold, stock]).toEqual([7, STOCK])
})

test('reservations of a lost shard are too late, those of the others become orders or give units back', async () => {
  const before = await openSale()
  const [lost, ordered, expired] = [
    await reserveIn(before, 1, 1),
    await reserveIn(before, 0, 2),
    await reserveIn(before, 3, 3),
  ]
  const { closed, sale } = await lose(before, 1)
  await reopenSale(deps(), closed)
  expect(await stocks(sale)).toEqual([4, 5, 5, 4])
  const late = await placeOrders(world.database, [expired.message], { ...rules, reservationLifetimeMs: -1 })
  const verdicts = [...(await place([lost.message, ordered.message])), ...late]
  expect(verdicts.map(({ decision: { outcome } }) => outcome)).toEqual(['REJECTED', 'ORDERED', 'REJECTED'])
  await settleDecided(world.stock, verdicts, log)
  expect(await stocks(sale)).toEqual([4, 5, 5, 5])
})

test('a unit that was taken before two other shards were lost in turn goes back to its own', async () => {
  const before = await openSale()
  const { message } = await reserveIn(before, 3, 1)
  for (const shard of [0, 1]) expect(await reopenSale(deps(), (await lose(before, shard)).closed)).toBe(true)
  const sale = { ...before, epoch: 3 }
  expect(await stocks(sale)).toEqual([5, 5, 5, 4])
  const late = await placeOrders(world.database, [message], { ...rules, reservationLifetimeMs: -1 })
  expect(late.map(({ decision: { outcome } }) => outcome)).toEqual(['REJECTED'])
  await settleDecided(world.stock, late, log)
  expect(await stocks(sale)).toEqual([5, 5, 5, 5])
})

test('the unit of an order that ended in a lost shard comes back once', async () => {
  const before = await openSale()
  const { message } = await reserveIn(before, 2, 1)
  const verdicts = await place([message])
  await settleDecided(world.stock, verdicts, log)
  const [orderId = ''] = verdicts.flatMap(({ decision }) => (decision.outcome === 'ORDERED' ? [decision.orderId] : []))
  expect(await cancelForBuyer(world.database, orderId, message.buyerId)).toHaveLength(1)
  const { closed, sale } = await lose(before, 2)
  expect(await reopenSale(deps(), closed)).toBe(true)
  expect(await stocks(sale)).toEqual([5, 5, 5, 5])
  await settleEnded({ ...deps(), stock: world.stock })
  expect(await stocks(sale)).toEqual([5, 5, 5, 5])
})

test('after a second loss the shards of both are rebuilt, and units move from and to them', async () => {
  const before = await openSale()
  for (let i = 0; i < 3; i++) await saleAdmin.moves.move(before, 0, 1, 1)
  await lose(before, 2)
  const { closed, sale } = await lose(before, 0)
  expect(await statesOf(sale)).toEqual(['CLOSED 3', 'OPEN 3', 'CLOSED 3', 'OPEN 3'])
  expect(await reopenSale(deps(), closed)).toBe(true)
  for (const [from, to] of [
    [0, 1],
    [1, 0],
    [0, 2],
    [3, 2],
  ] as const)
    await saleAdmin.moves.move(sale, from, to, 1)
  expect(await saleAdmin.moves.read(sale)).toEqual({ stocks: [3, 8, 5, 4], left: STOCK, moves: [] })
  expect(await world.stock.readSale(sale.saleId)).toMatchObject({ total: STOCK, left: STOCK, holderUnits: STOCK })
})

test('shards that are behind PostgreSQL are not sold from: another server has their ledgers', async () => {
  const before = await openSale()
  await world.database.sale.update({ where: { id: before.saleId }, data: { epoch: 2, fencedEpoch: 2 } })
  const { sale } = await lose(before)
  expect(await statesOf(sale)).toEqual(Array.from({ length: SHARDS }, () => 'CLOSED 3'))
})

test('a shard that is lost while another is closed is not taken over', async () => {
  const before = await openSale()
  await world.redis.del(saleAdmin.keys.sale(ledgerName(before.saleId, 2)))
  const lostMeanwhile = new (class extends SaleAdmin {
    override async readUnits(ledger: string) {
      const units = await super.readUnits(ledger)
      if (ledger.endsWith('.3')) await world.redis.del(this.keys.sale(ledger))
      return units
    }
  })(world.redis, world.keyPrefix)
  const closing = closeSale({ ...deps(), saleAdmin: lostMeanwhile }, before.saleId)
  await expect(closing).rejects.toThrow('was lost while others were closed')
  const { closed, sale } = await lose(before)
  expect(await reopenSale(deps(), closed)).toBe(true)
  expect(await stocks(sale)).toEqual([5, 5, 5, 5])
})

test('a shard that is lost while another is rebuilt opens neither', async () => {
  const before = await openSale()
  const { closed } = await lose(before, 2)
  await world.redis.del(saleAdmin.keys.sale(ledgerName(before.saleId, 3)))
  expect(await reopenSale(deps(), closed)).toBe(false)
  const lostMeanwhile = new (class extends SaleAdmin {
    override async read(ledger: string) {
      return ledger.endsWith('.2') ? super.read(ledger) : { state: 'OPEN' as const, epoch: closed.epoch, refilled: 0 }
    }
  })(world.redis, world.keyPrefix)
  await expect(reopenSale({ ...deps(), saleAdmin: lostMeanwhile }, closed)).rejects.toThrow('was lost while others')
  const again = await lose(before)
  expect(await reopenSale(deps(), again.closed)).toBe(true)
  expect(await stocks(again.sale)).toEqual([5, 5, 5, 5])
})

test('a sale of which all shards are lost is closed as a whole and rebuilt, its units shared anew', async () => {
  const before = await openSale()
  const sold = await sell(before, 9)
  const move = await saleAdmin.moves.leave(before, 0, 1, 1)
  const { closed, sale } = await lose(before, 0, 1, 2, 3)
  expect(await statesOf(sale)).toEqual(Array.from({ length: SHARDS }, () => 'CLOSED 2'))
  expect(await reopenSale(deps(), closed)).toBe(true)
  await saleAdmin.moves.complete(before, move)
  expect(await saleAdmin.moves.read(sale)).toEqual({ stocks: [3, 3, 3, 2], left: 11, moves: [] })
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
