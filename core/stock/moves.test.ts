import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from '../../test/support/eventually.ts'
import { loadSale } from '../../test/support/load-sale.ts'
import { generous, reserveOne } from '../../test/support/reserve-one.ts'
import { createWorld, type World } from '../../test/support/world.ts'
import { Moves } from './moves.ts'
import type { SaleFigures } from './sale-figures.ts'
import { scriptsOn } from './scripts.ts'
import { ledgerForBuyer, ledgerName, shardOf } from './shards.ts'

const SHARDS = 3
let world: World
let moves: Moves
beforeAll(async () => {
  world = await createWorld()
  moves = new Moves(world.redis, world.keyPrefix)
})
afterAll(() => world.close())

let made = 0
/** A sale with ten units in each shard. */
async function openSale(): Promise<SaleFigures> {
  const sale = {
    saleId: `moving-${made++}`,
    epoch: 1,
    title: 'A sale',
    priceCents: 100,
    total: 30,
    left: 30,
    perBuyerLimit: 2,
    shards: SHARDS,
    opensAtMs: Date.now() - 1_000,
    closesAtMs: Date.now() + 600_000,
  }
  await loadSale(world, sale)
  return sale
}
const stocks = async (sale: SaleFigures) => (await moves.read(sale))?.stocks
const left = async ({ saleId }: SaleFigures) => (await world.stock.readSale(saleId))?.left
const reopened = async (sale: SaleFigures) => {
  const next = { ...sale, epoch: sale.epoch + 1 }
  await loadSale(world, next)
  return next
}

test('units that have left and not arrived count as left in the sale, and nothing can reserve them', async () => {
  const sale = await openSale()
  const move = await moves.leave(sale, 0, 1, 4)
  expect(await stocks(sale)).toEqual([6, 10, 10])
  expect(await left(sale)).toBe(30)
  expect((await moves.read(sale))?.moves).toEqual([move])
})

test('a process that died after units left is completed by any other, once, however many do so', async () => {
  const sale = await openSale()
  const move = await moves.leave(sale, 0, 1, 4)
  await Promise.all(Array.from({ length: 5 }, () => moves.complete(sale, move)))
  expect([await stocks(sale), await left(sale)]).toEqual([[6, 14, 10], 30])
  expect((await moves.read(sale))?.moves).toEqual([])
})

test('a process that died after units arrived is completed without counting them twice', async () => {
  const sale = await openSale()
  const move = await moves.leave(sale, 0, 1, 4)
  expect(await moves.arrive(sale, move)).toBe(true)
  expect([await stocks(sale), await left(sale)]).toEqual([[6, 14, 10], 30])
  await moves.complete(sale, move)
  expect([await stocks(sale), await left(sale)]).toEqual([[6, 14, 10], 30])
})

test('the arrival of an earlier move is not counted after later ones', async () => {
  const sale = await openSale()
  const move = await moves.leave(sale, 0, 1, 1)
  await moves.complete(sale, move)
  await moves.move(sale, 0, 1, 2)
  await moves.complete(sale, move)
  expect([await stocks(sale), await left(sale)]).toEqual([[7, 13, 10], 30])
})

test('while a move is not completed, the next one between the two shards is that one', async () => {
  const sale = await openSale()
  const move = await moves.leave(sale, 0, 1, 4)
  expect(await moves.leave(sale, 0, 1, 2)).toEqual(move)
  await moves.move(sale, 0, 2, 1)
  await moves.move(sale, 0, 1, 9)
  expect([await stocks(sale), await left(sale)]).toEqual([[5, 14, 11], 30])
  await moves.move(sale, 0, 1, 9)
  expect(await stocks(sale)).toEqual([0, 19, 11])
})

test('no more units leave than there are, and none when there are none', async () => {
  const sale = await openSale()
  await moves.move(sale, 0, 1, 50)
  expect(await stocks(sale)).toEqual([0, 20, 10])
  expect(await moves.leave(sale, 0, 1, 1)).toMatchObject({ units: 0 })
  expect((await moves.read(sale))?.moves).toEqual([])
})

test('units that were under way when the sale was rebuilt do not arrive in the next epoch', async () => {
  const sale = await openSale()
  const move = await moves.leave(sale, 0, 1, 4)
  const next = await reopened(sale)
  expect(await moves.arrive(sale, move)).toBe(false)
  await moves.complete(sale, move)
  expect(await stocks(next)).toEqual([10, 10, 10])
  expect(await moves.leave(sale, 0, 1, 4)).toMatchObject({ units: 0 })
  // The same number under the new epoch is another move.
  const other = await moves.leave(next, 0, 1, 4)
  expect(other.sequence).toBe(move.sequence)
  const source = world.stock.keys.sale(sale.saleId)
  expect(await scriptsOn(world.redis).complete({ keys: [source], args: [sale.epoch, 1, move.sequence] })).toBe(0)
  expect((await moves.read(next))?.moves).toEqual([other])
  await moves.complete(next, other)
  expect(await stocks(next)).toEqual([6, 14, 10])
})

test('nothing leaves or arrives while one of the two shards is closed', async () => {
  const sale = await openSale()
  const move = await moves.leave(sale, 0, 1, 4)
  await world.redis.hset(world.stock.keys.sale(ledgerName(sale.saleId, 1)), 'run_id', '')
  expect(await moves.arrive(sale, move)).toBe(false)
  expect(await moves.leave(sale, 1, 2, 4)).toMatchObject({ units: 0 })
  expect(await moves.read(sale)).toBeUndefined()
})

test('a reservation takes its units from the shard of its buyer, and gives them back to it', async () => {
  const sale = await openSale()
  const ref = { saleId: sale.saleId, reservationId: `${ledgerForBuyer(sale, 'ann')}.1`, buyerId: 'ann', quantity: 2 }
  expect(await reserveOne(world.stock, sale, ref)).toMatchObject({ status: 'RESERVED' })
  const expected = [10, 10, 10]
  expected[shardOf('ann', SHARDS)] = 8
  expect(await stocks(sale)).toEqual(expected)
  expect(await world.stock.readReservation(ref)).toMatchObject({ buyerId: 'ann', quantity: 2 })
  await world.stock.release(ref, { status: 'REJECTED', reason: 'BUSY', giveBack: true })
  expect(await stocks(sale)).toEqual([10, 10, 10])
})

test('one process at a time has the turn, and one that dies keeps it no longer than a turn lasts', async () => {
  const sale = await openSale()
  const giveBack = await moves.takeTurn(sale, 60_000)
  expect(await moves.takeTurn(sale, 60_000)).toBeUndefined()
  await giveBack?.()
  expect(await moves.takeTurn(sale, 20)).toBeDefined()
  await eventually(
    'the turn to lapse',
    () => moves.takeTurn(sale, 20),
    (turn) => turn !== undefined,
  )
})

test('a turn that was taken while the clock of Redis ran ahead counts as lapsed', async () => {
  const sale = await openSale()
  await world.redis.hset(world.stock.keys.sale(sale.saleId), 'turn', `other ${Date.now() + 3_600_000}`)
  expect(await moves.takeTurn(sale, 1_000)).toBeDefined()
})

test('of the limit of a sale each shard has its part', async () => {
  const sale = await openSale()
  const inShard0 = Array.from({ length: 50 }, (_, i) => `buyer-${i}`).filter(
    (buyerId) => shardOf(buyerId, SHARDS) === 0,
  )
  const outcomes: string[] = []
  for (const buyerId of inShard0.slice(0, 3)) {
    const request = { reservationId: `${sale.saleId}.${buyerId}`, buyerId }
    const limits = { ...generous, sale: { ratePerSecond: 0.001, burst: 2 * SHARDS } }
    outcomes.push((await reserveOne(world.stock, sale, request, limits)).status)
  }
  expect(outcomes).toEqual(['RESERVED', 'RESERVED', 'CROWDED'])
})
