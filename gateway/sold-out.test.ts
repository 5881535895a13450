import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { createLog } from '../core/platform/process/log.ts'
import { connectRedis, redisReady } from '../core/platform/stores/redis.ts'
import type { SaleFigures } from '../core/stock/sale-figures.ts'
import { Stock } from '../core/stock/stock.ts'
import { eventually } from '../test/support/eventually.ts'
import { loadSale } from '../test/support/load-sale.ts'
import { slowed } from '../test/support/patience.ts'
import { reserveOne } from '../test/support/reserve-one.ts'
import { startTcpProxy } from '../test/support/tcp-proxy.ts'
import { createWorld, type World } from '../test/support/world.ts'
import { Changes } from './changes.ts'
import { SoldOut } from './sold-out.ts'

const log = createLog('test', 'silent')
const UNITS = 2
let world: World
const closers: (() => unknown)[] = []
beforeAll(async () => {
  world = await createWorld()
})
afterAll(async () => {
  for (const close of closers) await close()
  await world.close()
})

/** What one gateway process knows, over connections of its own. */
async function knowledge(knownForMs = 600_000, redisUrl = world.redisUrl): Promise<SoldOut> {
  const [redis, listening] = [connectRedis(redisUrl, log), connectRedis(redisUrl, log)]
  closers.push(
    () => redis.disconnect(),
    () => listening.disconnect(),
  )
  await Promise.all([redisReady(redis), redisReady(listening)])
  const changes = new Changes(listening, world.stock.keys.changes())
  const soldOut = new SoldOut(new Stock(redis, world.keyPrefix), changes, log, knownForMs)
  await changes.connect()
  return soldOut
}

let made = 0
/** A sale of two units that both went. */
async function soldOutSale() {
  const sale = {
    saleId: `gone-${made++}`,
    epoch: 1,
    title: 'A sale',
    priceCents: 100,
    total: UNITS,
    left: UNITS,
    perBuyerLimit: 1,
    opensAtMs: Date.now() - 1_000,
    closesAtMs: Date.now() + 60_000,
  }
  await loadSale(world, sale)
  const holder = (buyerId: string) => ({
    saleId: sale.saleId,
    reservationId: `${sale.saleId}.${buyerId}`,
    buyerId,
    quantity: 1,
  })
  for (const buyerId of ['ann', 'bob']) await reserveOne(world.stock, sale, holder(buyerId))
  return {
    sale,
    release: () => world.stock.release(holder('ann'), { status: 'CANCELLED', reason: 'UNPAID', giveBack: true }),
  }
}

const learned = (soldOut: SoldOut, sale: SaleFigures) =>
  eventually(
    'it to be known as sold out',
    () => {
      soldOut.learn(sale)
      return soldOut.refuses(sale, 'late')
    },
    Boolean,
  )

const withdrawn = (soldOut: SoldOut, sale: SaleFigures) =>
  eventually(
    'it to be withdrawn',
    () => soldOut.refuses(sale, 'late'),
    (refuses) => !refuses,
  )

test('a late buyer is refused from memory, and a buyer with a reservation is not', async () => {
  const { sale } = await soldOutSale()
  const soldOut = await knowledge()
  expect(soldOut.refuses(sale, 'late')).toBe(false)
  await learned(soldOut, sale)
  expect(['ann', 'bob', 'late'].map((buyer) => soldOut.refuses(sale, buyer))).toEqual([false, false, true])
})

test('a release reaches every process, which then asks Redis again', async () => {
  const { sale, release } = await soldOutSale()
  const all = await Promise.all([knowledge(), knowledge()])
  for (const soldOut of all) await learned(soldOut, sale)
  await release()
  for (const soldOut of all) expect(await withdrawn(soldOut, sale)).toBe(false)
})

test('a survey that began before a release is out of date after it', async () => {
  const { sale, release } = await soldOutSale()
  let answer = () => {}
  const held = new Promise<void>((resolve) => {
    answer = resolve
  })
  class SlowStock extends Stock {
    override async survey(of: string) {
      const survey = await super.survey(of)
      await held
      return survey
    }
  }
  const listening = connectRedis(world.redisUrl, log)
  closers.push(() => listening.disconnect())
  await redisReady(listening)
  const changes = new Changes(listening, world.stock.keys.changes())
  const [soldOut, other] = [
    new SoldOut(new SlowStock(world.redis, world.keyPrefix), changes, log, 600_000),
    await knowledge(),
  ]
  await changes.connect()
  await learned(other, sale)
  soldOut.learn(sale)
  // On the same connection: its own question has been answered by now, and the answer is held.
  await world.stock.survey(sale.saleId)
  await release()
  await withdrawn(other, sale)
  await listening.ping() // Everything published before has arrived.
  answer()
  await held
  await new Promise((resolve) => {
    setImmediate(resolve)
  })
  expect(soldOut.refuses(sale, 'late')).toBe(false)
})

test('a sale with a unit left is never taken for sold out', async () => {
  const { sale, release } = await soldOutSale()
  await release()
  const soldOut = await knowledge()
  soldOut.learn(sale)
  await world.stock.survey(sale.saleId)
  expect(soldOut.refuses(sale, 'late')).toBe(false)
})

/** Of a process whose Redis answers only the first survey, and how many it was asked for. */
async function knowledgeOnce(knownForMs: number) {
  const asked = { surveys: 0 }
  class SilentStock extends Stock {
    override survey(of: string) {
      asked.surveys++
      return asked.surveys === 1 ? super.survey(of) : new Promise<never>(() => {})
    }
  }
  const listening = connectRedis(world.redisUrl, log)
  closers.push(() => listening.disconnect())
  await redisReady(listening)
  const changes = new Changes(listening, world.stock.keys.changes())
  await changes.connect()
  return { asked, soldOut: new SoldOut(new SilentStock(world.redis, world.keyPrefix), changes, log, knownForMs) }
}

test('while buyers come, it is asked for again before it expires, once', async () => {
  const { sale } = await soldOutSale()
  const { asked, soldOut } = await knowledgeOnce(600_000)
  soldOut.learn(sale)
  await eventually('it to be known as sold out', () => soldOut.refuses(sale, 'late'), Boolean)
  expect(asked.surveys).toBe(1)
  const later = vi.spyOn(performance, 'now').mockReturnValue(performance.now() + 590_000)
  try {
    expect([1, 2].map(() => soldOut.refuses(sale, 'late'))).toEqual([true, true])
    expect(asked.surveys).toBe(2)
  } finally {
    later.mockRestore()
  }
})

test('what was learned expires when it cannot be learned again', async () => {
  const { sale } = await soldOutSale()
  const { asked, soldOut } = await knowledgeOnce(slowed(500))
  soldOut.learn(sale)
  await eventually('it to be known as sold out', () => soldOut.refuses(sale, 'late'), Boolean)
  expect(await withdrawn(soldOut, sale)).toBe(false)
  expect(asked.surveys).toBe(2)
})

test('while the subscription is down everything is forgotten', async () => {
  const { sale } = await soldOutSale()
  const redisUrl = new URL(world.redisUrl)
  const proxy = await startTcpProxy({ host: redisUrl.hostname, port: Number(redisUrl.port) })
  redisUrl.port = String(proxy.port)
  closers.push(() => proxy.close())
  const soldOut = await knowledge(600_000, redisUrl.href)
  await learned(soldOut, sale)
  proxy.cut()
  expect(await withdrawn(soldOut, sale)).toBe(false)
})
