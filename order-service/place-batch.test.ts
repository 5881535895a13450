import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createLog } from '../core/platform/process/log.ts'
import { connectRedis, redisReady } from '../core/platform/stores/redis.ts'
import { Stock } from '../core/stock/stock.ts'
import { eventually } from '../test/support/eventually.ts'
import { loadSale } from '../test/support/load-sale.ts'
import { Ledger, reservation, rules } from '../test/support/ledger.ts'
import { generous } from '../test/support/reserve-one.ts'
import { createWorld, type World } from '../test/support/world.ts'
import { createPlacer } from './place-batch.ts'

const COUNT = 200
const log = createLog('test', 'silent')
let world: World
let ledger: Ledger
beforeAll(async () => {
  world = await createWorld()
  ledger = new Ledger(world)
})
afterAll(async () => {
  await world.close()
})

/** Reservations of one sale, in Redis and not yet in PostgreSQL. */
async function reserved() {
  const saleId = await ledger.sale(COUNT, `sale-${randomUUID().slice(0, 8)}`)
  const window = { opensAtMs: Date.now() - 1_000, closesAtMs: Date.now() + 60_000 }
  const sale = {
    saleId,
    epoch: 1,
    title: 'A sale',
    priceCents: 500,
    total: COUNT,
    left: COUNT,
    perBuyerLimit: 1,
    ...window,
  }
  await loadSale(world, sale)
  const reservations = Array.from({ length: COUNT }, (_, i) => reservation(saleId, i))
  await world.stock.reserve(
    { saleId, epoch: 1, total: COUNT },
    reservations.map((one) => ({ ...one, address: '192.0.2.1', limitPerBuyer: 1 })),
    generous,
  )
  return { saleId, reservations }
}

/** Settles only after `answer` was called. */
class SlowStock extends Stock {
  answer = () => {}
  readonly #answering = new Promise<void>((resolve) => {
    this.answer = resolve
  })

  override async settle(...settled: Parameters<Stock['settle']>): Promise<void> {
    await this.#answering
    await super.settle(...settled)
  }
}

test('a batch is settled in Redis while the next is placed, one at a time, and all before closing', async () => {
  const { saleId, reservations } = await reserved()
  const stock = new SlowStock(world.redis, world.keyPrefix)
  const placer = createPlacer({ database: world.database, stock, log, rules, onPlaced: () => {} })
  const done: string[] = []
  await placer.place(reservations.slice(0, 120))
  const second = placer.place(reservations.slice(120)).then(() => done.push('placed'))
  await eventually(
    'both batches to be committed',
    () => ledger.sold(saleId),
    (sold) => sold === COUNT,
  )
  const closing = placer.close().then(() => done.push('closed'))
  expect(await world.stock.countUndecided(saleId)).toBe(COUNT)
  expect(done).toEqual([])

  stock.answer()
  await Promise.all([second, closing])
  await placer.close()
  expect(await world.stock.countUndecided(saleId)).toBe(0)
})

test('orders are placed while Redis is unreachable, and stay undecided there for the sweeper', async () => {
  const { saleId, reservations } = await reserved()
  const away = connectRedis(world.redisUrl, log)
  await redisReady(away)
  away.disconnect()
  const placer = createPlacer({
    database: world.database,
    stock: new Stock(away, world.keyPrefix),
    log,
    rules,
    onPlaced: () => {},
  })
  await placer.place(reservations)
  await placer.close()
  expect(await ledger.sold(saleId)).toBe(COUNT)
  expect(await world.stock.countUndecided(saleId)).toBe(COUNT)
})
