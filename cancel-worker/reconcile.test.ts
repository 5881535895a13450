import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { placeOrders } from '../core/orders/place-orders.ts'
import { settleEnded } from '../core/orders/settle-ended.ts'
import { settleDecided } from '../core/orders/settle-decided.ts'
import { cancelForBuyer } from '../core/orders/transitions.ts'
import { createLog } from '../core/platform/process/log.ts'
import { bringIntoLine } from '../core/rebuild/bring-into-line.ts'
import { closedSale, closeSale } from '../core/rebuild/close-sale.ts'
import { reopenSale } from '../core/rebuild/reopen-sale.ts'
import { mayHold } from '../core/stock/holders.ts'
import { SaleAdmin } from '../core/stock/sale-admin.ts'
import { eventually } from '../test/support/eventually.ts'
import { Ledger, reservation, rules } from '../test/support/ledger.ts'
import { reserveOne } from '../test/support/reserve-one.ts'
import { createWorld, type World } from '../test/support/world.ts'
import { Reconciler } from './reconcile.ts'

const STOCK = 10
const log = createLog('test', 'silent')
let world: World
let saleAdmin: SaleAdmin
beforeAll(async () => {
  world = await createWorld()
  saleAdmin = new SaleAdmin(world.redis, world.keyPrefix)
})
afterAll(() => world.close())

const deps = () => ({ database: world.database, stock: world.stock, saleAdmin, log })
const reconciler = (missingForMs: number, healed: number[] = []) =>
  new Reconciler(
    {
      ...deps(),
      onHealed: (units) => {
        healed.push(units)
      },
    },
    missingForMs,
    0,
  )

async function openSale(): Promise<string> {
  const saleId = await new Ledger(world).sale(STOCK, `sale-${randomUUID().slice(0, 8)}`)
  const closed = await closeSale(deps(), saleId)
  if (closed) await reopenSale(deps(), closed)
  return saleId
}
const left = async (saleId: string) => (await world.stock.readSale(saleId))?.left
const move = (saleId: string, units: number) => world.redis.hincrby(saleAdmin.keys.sale(saleId), 'stock', units)

async function reserve(saleId: string, n: number) {
  const message = reservation(saleId, n)
  await reserveOne(world.stock, { saleId, epoch: 1, total: STOCK }, message)
  return message
}

test('an open sale that is not listed is listed again', async () => {
  const saleId = await openSale()
  const expiry = await world.redis.zscore(saleAdmin.keys.sales(), saleId)
  await world.redis.zrem(saleAdmin.keys.sales(), saleId)
  await reconciler(0).runOnce()
  expect(await world.redis.zscore(saleAdmin.keys.sales(), saleId)).toBe(expiry)
})

test('units that Redis has too many are taken away at once, also while others are on their way', async () => {
  const saleId = await openSale()
  await settleDecided(world.stock, await placeOrders(world.database, [await reserve(saleId, 1)], rules), log)
  await move(saleId, 3)
  const healed: number[] = []
  await reconciler(60_000, healed).runOnce()
  expect(await left(saleId)).toBe(STOCK - 1)
  expect(healed).toEqual([-3])
})

test('units that are missing are put back once, after they were missing for as long as a reservation lives', async () => {
  const saleId = await openSale()
  await move(saleId, -2)
  const [patient, healed] = [reconciler(60_000), [] as number[]]
  await patient.runOnce()
  await patient.runOnce()
  expect(await left(saleId)).toBe(STOCK - 2)
  const [one, other] = [reconciler(200, healed), reconciler(200, healed)]
  await eventually(
    'the units to be back',
    async () => {
      await Promise.all([one.runOnce(), other.runOnce()])
      return left(saleId)
    },
    (units) => units !== STOCK - 2,
  )
  await Promise.all([one.runOnce(), other.runOnce()])
  expect(await left(saleId)).toBe(STOCK)
  expect(healed).toEqual([2])
})

async function order(saleId: string, n: number): Promise<string> {
  const verdicts = await placeOrders(world.database, [await reserve(saleId, n)], rules)
  await settleDecided(world.stock, verdicts, log)
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
  [
    'ordered, Redis not told',
    STOCK - 1,
    async (saleId) => placeOrders(world.database, [await reserve(saleId, 1)], rules),
  ],
  ['ordered', STOCK - 1, (saleId) => order(saleId, 1)],
  [
    'cancelled, not given back',
    STOCK - 1,
    async (saleId) => cancelForBuyer(world.database, await order(saleId, 1), 'buyer-1'),
  ],
  ['refunded, not given back', STOCK - 1, async (saleId) => refund(await order(saleId, 1))],
]

test.each(onTheirWay)('a unit that is %s is neither missing nor one too many', async (_what, units, happens) => {
  const saleId = await openSale()
  await happens(saleId)
  const healed: number[] = []
  const worker = reconciler(0, healed)
  for (let run = 0; run < 3; run++) await worker.runOnce()
  expect([await left(saleId), healed]).toEqual([units, []])
})

test('undecided reservations of several units are not missing, even after the limit per buyer was changed', async () => {
  const saleId = await openSale()
  const sale = { saleId, epoch: 1, total: STOCK }
  await reserveOne(world.stock, sale, reservation(saleId, 1, { quantity: 3 }))
  await reserveOne(world.stock, sale, reservation(saleId, 2, { quantity: 4 }))
  await world.database.sale.update({ where: { id: saleId }, data: { perBuyerLimit: 1 } })
  await bringIntoLine(deps(), saleId)
  const healed: number[] = []
  const looking = reconciler(0, healed)
  for (let run = 0; run < 3; run++) await looking.runOnce()
  expect([await left(saleId), healed]).toEqual([STOCK - 7, []])
})

interface Busy {
  change: string
  /** Units set aside and not ordered yet, before it. */
  waiting: number
  left: number
  happens: (saleId: string, orderId: string, waiting: ReturnType<typeof reservation>[]) => Promise<unknown>
}

const busy: Busy[] = [
  {
    change: 'placed and told',
    waiting: 1,
    left: STOCK - 2,
    happens: async (_sale, _order, waiting) =>
      settleDecided(world.stock, await placeOrders(world.database, waiting, rules), log),
  },
  {
    change: 'cancelled and given back',
    waiting: 0,
    left: STOCK,
    happens: async (_sale, orderId) => {
      await cancelForBuyer(world.database, orderId, 'buyer-1')
      await settleEnded(deps())
    },
  },
  {
    change: 'refunded and given back',
    waiting: 0,
    left: STOCK,
    happens: async (_sale, orderId) => {
      await refund(orderId)
      await settleEnded(deps())
    },
  },
  {
    change: 'cancelled only',
    waiting: 0,
    left: STOCK - 1,
    happens: (_sale, orderId) => cancelForBuyer(world.database, orderId, 'buyer-1'),
  },
  { change: 'set aside', waiting: 1, left: STOCK - 3, happens: (saleId) => reserve(saleId, 3) },
]

describe.each(['before', 'after'])('while it reads, right %s Redis answers,', (moment) => {
  test.each(busy)('a unit that is $change neither appears nor vanishes', async ({ waiting, left: units, happens }) => {
    const saleId = await openSale()
    const orderId = await order(saleId, 1)
    const reserved = waiting > 0 ? [await reserve(saleId, 2)] : []
    class BusySaleAdmin extends SaleAdmin {
      override async readTally(id: string, epoch: number): ReturnType<SaleAdmin['readTally']> {
        if (id !== saleId) return undefined
        const early = moment === 'after' ? await super.readTally(id, epoch) : undefined
        await happens(saleId, orderId, reserved)
        return early ?? (await super.readTally(id, epoch))
      }
    }
    const healed: number[] = []
    await new Reconciler(
      {
        ...deps(),
        saleAdmin: new BusySaleAdmin(world.redis, world.keyPrefix),
        onHealed: (by) => {
          healed.push(by)
        },
      },
      0,
      0,
    ).runOnce()
    expect([await left(saleId), healed]).toEqual([units, []])
  })
})

test('two reconcilers that see a unit missing at the same moment put it back once', async () => {
  const saleId = await openSale()
  await move(saleId, -1)
  let putting = 0
  /** Puts nothing back before another wants to as well, or waits for its turn. */
  class SlowSaleAdmin extends SaleAdmin {
    override async adjust(...asked: Parameters<SaleAdmin['adjust']>): Promise<number> {
      putting++
      await eventually('the other', async () => putting > 1 || (await new Ledger(world).waitingForLocks()) > 0, Boolean)
      return super.adjust(...asked)
    }
  }
  const slow = () =>
    new Reconciler({ ...deps(), saleAdmin: new SlowSaleAdmin(world.redis, world.keyPrefix), onHealed: () => {} }, 0, 0)
  await Promise.all([slow().runOnce(), slow().runOnce()])
  expect(await left(saleId)).toBe(STOCK)
})

test('a closed sale is left to the rebuilder', async () => {
  const saleId = await openSale()
  await world.redis.hset(saleAdmin.keys.sale(saleId), { run_id: 'f'.repeat(40), stock: '99' })
  const healed: number[] = []
  await reconciler(0, healed).runOnce()
  expect([await left(saleId), healed]).toEqual([99, []])
})

describe('what Redis says of a sale other than PostgreSQL is told again with the next look:', () => {
  const differences: [what: string, field: string, value: string][] = [
    ['the start', 'opens_at_ms', '1'],
    ['the end', 'closes_at_ms', '2'],
    ['the title', 'title', 'Another'],
    ['the price', 'price_cents', '1'],
    ['the limit', 'per_buyer_limit', '9'],
    ['that it is stopped', 'stopped', '1'],
    ['the rules of the opening', 'opening', '{"lapses":{"max":1,"waitSeconds":1}}'],
    ['rules that are no JSON', 'opening', '{'],
    ['the terms', 'terms', '2'],
  ]

  test.each(differences)('%s', async (_what, field, value) => {
    const saleId = await openSale()
    const key = saleAdmin.keys.sale(saleId)
    const right = await world.redis.hget(key, field)
    await world.redis.hset(key, field, value)
    await reconciler(0).runOnce()
    expect([await world.redis.hget(key, field), await left(saleId)]).toEqual([right, STOCK])
  })

  test('a stock that was changed, with the units left, once, and every holder keeps their place', async () => {
    const saleId = await openSale()
    await order(saleId, 1)
    await world.database.sale.update({ where: { id: saleId }, data: { stock: 10_000 } })
    const [one, other, healed] = [reconciler(0), reconciler(0), [] as number[]]
    await Promise.all([one.runOnce(), other.runOnce()])
    expect(await world.stock.readSale(saleId)).toMatchObject({ total: 10_000, left: 9_999 })
    await world.database.sale.update({ where: { id: saleId }, data: { stock: STOCK } })
    await reconciler(0, healed).runOnce()
    expect(await world.stock.readSale(saleId)).toMatchObject({ total: STOCK, left: STOCK - 1, holderUnits: STOCK })
    // Units that the change of the stock explains are neither missing nor too many.
    await reconciler(0, healed).runOnce()
    expect(healed).toEqual([])
    const holders = await world.redis.getBuffer(saleAdmin.keys.holders(saleId))
    expect(holders && mayHold(holders, 'buyer-1', STOCK)).toBe(true)
  })

  test('a stock that was changed while the sale was closed counts once', async () => {
    const saleId = await new Ledger(world).sale(STOCK, `sale-${randomUUID().slice(0, 8)}`)
    const closed = await closeSale(deps(), saleId)
    await world.database.sale.update({ where: { id: saleId }, data: { stock: 2 * STOCK } })
    if (closed) await reopenSale(deps(), closed)
    const healed: number[] = []
    await reconciler(0, healed).runOnce()
    expect(await world.stock.readSale(saleId)).toMatchObject({ total: 2 * STOCK, left: 2 * STOCK, holderUnits: STOCK })
    expect(healed).toEqual([])
  })

  test('fewer units than are left were taken away: none is left, and never less', async () => {
    const saleId = await openSale()
    await order(saleId, 1)
    await reserve(saleId, 2)
    await world.database.sale.update({ where: { id: saleId }, data: { stock: 1 } })
    await reconciler(0).runOnce()
    expect(await world.stock.readSale(saleId)).toMatchObject({ total: 1, left: 0 })
  })

  test('a buyer who was unlisted while the sale was rebuilt, and one who was listed', async () => {
    await world.database.blacklistEntry.createMany({
      data: [
        { buyerId: 'mallory', reason: 'bots' },
        { buyerId: 'trudy', reason: 'bots' },
      ],
    })
    onTestFinished(async () => {
      await world.database.blacklistEntry.deleteMany()
    })
    const saleId = await new Ledger(world).sale(STOCK, `sale-${randomUUID().slice(0, 8)}`)
    /** Mallory is taken off, and Eve put on, between the reading of the list and the filling in. */
    class SlowSaleAdmin extends SaleAdmin {
      override async fillBlacklist(...asked: Parameters<SaleAdmin['fillBlacklist']>): Promise<void> {
        await world.database.blacklistEntry.update({ where: { buyerId: 'mallory' }, data: { buyerId: 'eve' } })
        await super.fillBlacklist(...asked)
      }
    }
    const slow = { ...deps(), saleAdmin: new SlowSaleAdmin(world.redis, world.keyPrefix) }
    const closed = await closeSale(slow, saleId)
    if (closed) await reopenSale(slow, closed)
    const listed = async () => (await world.redis.smembers(saleAdmin.keys.blacklist(saleId))).sort()
    expect(await listed()).toEqual(['mallory', 'trudy'])
    await reconciler(0).runOnce()
    expect(await listed()).toEqual(['eve', 'trudy'])
    await world.database.blacklistEntry.deleteMany()
    await reconciler(0).runOnce()
    expect(await listed()).toEqual([])
  })

  test('and every sale that was looked at says when', async () => {
    const saleId = await openSale()
    await world.redis.hdel(saleAdmin.keys.sale(saleId), 'reconciled_at_ms')
    await reconciler(0).runOnce()
    expect(Number(await world.redis.hget(saleAdmin.keys.sale(saleId), 'reconciled_at_ms'))).toBeGreaterThan(0)
  })
})

test('one sale that cannot be reconciled is named, and keeps none of the others from being healed', async () => {
  const [broken, before, after] = [await openSale(), await openSale(), await openSale()]
  for (const saleId of [before, after]) await move(saleId, 3)
  await world.redis.del(saleAdmin.keys.undecided(broken))
  await world.redis.set(saleAdmin.keys.undecided(broken), 'no list')
  await expect(reconciler(0).runOnce()).rejects.toThrow(broken)
  expect([await left(before), await left(after)]).toEqual([STOCK, STOCK])
  await world.redis.del(saleAdmin.keys.undecided(broken))
  await reconciler(0).runOnce()
})

test('of 3,000 sales, half of them over, a run takes all that are open and some of the others, in turn', async () => {
  const crowded = await createWorld()
  onTestFinished(() => crowded.close())
  const { database, redis } = crowded
  const many = new SaleAdmin(redis, crowded.keyPrefix)
  const template = await crowd(crowded, many)
  const [sold, copies] = [
    await database.sale.findMany({ orderBy: [{ closesAt: 'asc' }, { id: 'asc' }] }),
    redis.pipeline(),
  ]
  for (const { id, opensAt, closesAt } of sold)
    copies.hset(many.keys.sale(id), { ...template, opens_at_ms: opensAt.getTime(), closes_at_ms: closesAt.getTime() })
  await copies.exec()
  const ids = sold.map(({ id }) => id)
  const [ended, open] = [ids.slice(0, 1_500), ids.slice(1_500)]
  /** Each of them has a unit too many. */
  const wrong = [
    ended[0],
    ended[199],
    ended[200],
    ended[399],
    ended[1_499],
    ...open.filter((_, i) => i % 100 === 0),
  ].map(String)
  await Promise.all(wrong.map((id) => redis.hincrby(many.keys.sale(id), 'stock', 1)))
  const stillWrong = async () =>
    (await Promise.all(wrong.map(async (id) => ({ id, units: (await crowded.stock.readSale(id))?.left }))))
      .filter(({ units }) => units !== STOCK)
      .map(({ id }) => id)
  const worker = new Reconciler({ database, saleAdmin: many, log, onHealed: () => {} }, 60_000, 0)
  await worker.runOnce()
  expect(await stillWrong()).toEqual([ended[200], ended[399], ended[1_499]])
  await worker.runOnce()
  expect(await stillWrong()).toEqual([ended[1_499]])
})

/** 3,000 sales in PostgreSQL, half of them over. @returns what Redis says of an open one */
async function crowd({ database, redis }: World, saleAdmin: SaleAdmin): Promise<Record<string, string>> {
  await database.$executeRaw`
    INSERT INTO sales (id, title, price_cents, stock, epoch, fenced_epoch, opens_at, closes_at)
    SELECT 'sale-' || i, 'A sale', 500, ${STOCK}, 1, 1, now() - interval '2 hours', now() + CASE WHEN i > 1500 THEN interval '1 hour' ELSE interval '-1 hour' END
    FROM generate_series(1, 3000) AS i`
  const sale = await database.sale.findUniqueOrThrow({ where: { id: 'sale-3000' } })
  await saleAdmin.close(closedSale(sale))
  await saleAdmin.open(sale.id, 1, STOCK)
  return redis.hgetall(saleAdmin.keys.sale(sale.id))
}
