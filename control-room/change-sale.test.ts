import { afterAll, beforeAll, expect, test } from 'vitest'
import { closeSale } from '../core/rebuild/close-sale.ts'
import { reopenSale } from '../core/rebuild/reopen-sale.ts'
import { SaleAdmin } from '../core/stock/sale-admin.ts'
import { Ledger } from '../test/support/ledger.ts'
import { createWorld, type World } from '../test/support/world.ts'
import { changeSale } from './change-sale.ts'

const STOCK = 10
let world: World
let saleAdmin: SaleAdmin
beforeAll(async () => {
  world = await createWorld()
  saleAdmin = new SaleAdmin(world.redis, world.keyPrefix)
})
afterAll(() => world.close())

const deps = (admin = saleAdmin) => ({ database: world.database, stock: world.stock, saleAdmin: admin })
const anyVersion = { operator: 'ann', seen: undefined }

async function openSale(shards = 1): Promise<string> {
  const saleId = await new Ledger(world).sale(STOCK)
  await world.database.sale.update({ where: { id: saleId }, data: { shards } })
  const closed = await closeSale(deps(), saleId)
  if (closed) await reopenSale(deps(), closed)
  return saleId
}

/** Does something else between a reading of the ledger and what follows. */
class Interrupted extends SaleAdmin {
  readonly #times: (() => Promise<unknown>)[]

  constructor(...times: (() => Promise<unknown>)[]) {
    super(world.redis, world.keyPrefix)
    this.#times = times
  }

  override async readTally(...asked: Parameters<SaleAdmin['readTally']>) {
    const tally = await super.readTally(...asked)
    await this.#times.shift()?.()
    return tally
  }
}

test('units that buyers take meanwhile are not taken away; those of other shards go back', async () => {
  const saleId = await openSale(2)
  const buys = () => world.redis.hincrby(world.stock.keys.sale(`${saleId}.1`), 'stock', -5)
  expect(await changeSale(deps(new Interrupted(buys)), saleId, { stock: 2 }, anyVersion)).toEqual({
    outcome: 'STOCK_IN_USE',
    least: 5,
  })
  expect(await world.stock.readSale(saleId)).toMatchObject({ total: STOCK, left: STOCK - 5 })
  expect(await world.database.sale.findUnique({ where: { id: saleId } })).toMatchObject({ stock: STOCK, version: 0 })
})

test('a sale whose ledger is built anew meanwhile keeps its stock in both', async () => {
  const saleId = await openSale()
  const rebuild = async () => {
    await world.redis.hset(world.stock.keys.sale(saleId), 'run_id', 'f'.repeat(40))
    const closed = await closeSale(deps(), saleId)
    if (closed) await reopenSale(deps(), closed)
  }
  class Rebuilt extends SaleAdmin {
    override async withdraw(...asked: Parameters<SaleAdmin['withdraw']>) {
      const taken = await super.withdraw(...asked)
      await rebuild()
      return taken
    }
  }
  const admin = new Rebuilt(world.redis, world.keyPrefix)
  expect(await changeSale(deps(admin), saleId, { stock: 4 }, anyVersion)).toEqual({ outcome: 'NOT_NOW' })
  expect(await world.stock.readSale(saleId)).toMatchObject({ epoch: 2, total: STOCK, left: STOCK })
  expect(await world.database.sale.findUnique({ where: { id: saleId } })).toMatchObject({ stock: STOCK })
})

test('the widest window that a sale ever had is kept', async () => {
  const saleId = await openSale()
  const { opensAt, closesAt } = await world.database.sale.findUniqueOrThrow({ where: { id: saleId } })
  const shifted = (at: Date, ms: number) => new Date(at.getTime() + ms).toISOString()
  for (const [opensMs, closesMs] of [
    [1_000, -1_000],
    [2_000, -2_000],
  ] as const) {
    const window = { opensAt: shifted(opensAt, opensMs), closesAt: shifted(closesAt, closesMs) }
    expect(await changeSale(deps(), saleId, window, anyVersion)).toMatchObject({
      outcome: 'CHANGED',
      sale: { earliestOpensAt: opensAt, latestClosesAt: closesAt },
    })
  }
})

test('price and limit can be changed a hundred times', async () => {
  const saleId = await openSale()
  const terms = Array.from({ length: 99 }, () => ({ priceCents: 1, perBuyerLimit: 1 }))
  await world.database.sale.update({ where: { id: saleId }, data: { earlierTerms: terms } })
  expect(await changeSale(deps(), saleId, { priceCents: 2 }, anyVersion)).toMatchObject({ outcome: 'CHANGED' })
  expect(await changeSale(deps(), saleId, { perBuyerLimit: 2 }, anyVersion)).toMatchObject({ outcome: 'MISFIT' })
  expect(await changeSale(deps(), saleId, { title: 'Tea' }, anyVersion)).toMatchObject({ outcome: 'CHANGED' })
  expect(await world.stock.readSale(saleId)).toMatchObject({ terms: 100, priceCents: 2, title: 'Tea' })
})
