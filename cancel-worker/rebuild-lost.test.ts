import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { INTAKE } from '../core/contracts/topology.ts'
import { placeOrders } from '../core/orders/place-orders.ts'
import { settleEnded } from '../core/orders/settle-ended.ts'
import { settleDecided } from '../core/orders/settle-decided.ts'
import { cancelForBuyer } from '../core/orders/transitions.ts'
import { createLog } from '../core/platform/process/log.ts'
import { closeSale } from '../core/rebuild/close-sale.ts'
import { fenceSale } from '../core/rebuild/fence-sale.ts'
import { reopenSale } from '../core/rebuild/reopen-sale.ts'
import { SaleAdmin } from '../core/stock/sale-admin.ts'
import { ledgerName, shardOf } from '../core/stock/shards.ts'
import { eventually } from '../test/support/eventually.ts'
import { inParallel } from '../test/support/parallel.ts'
import { Ledger, reservation, rules } from '../test/support/ledger.ts'
import { reserveOne } from '../test/support/reserve-one.ts'
import { createWorld, type World } from '../test/support/world.ts'
import { Rebuilder } from './rebuild-lost.ts'
import { findReservation } from '../test/support/find-reservation.ts'

const STOCK = 10
const log = createLog('test', 'silent')
let world: World
let saleAdmin: SaleAdmin
let ledger: Ledger
let waitingAtIntake = 0
let saleId = ''
beforeEach(async () => {
  world = await createWorld()
  saleAdmin = new SaleAdmin(world.redis, world.keyPrefix)
  ledger = new Ledger(world)
  waitingAtIntake = 0
  saleId = await ledger.sale(STOCK, `sale-${randomUUID().slice(0, 8)}`)
  await bringIn(saleId)
})
afterEach(() => world.close())

const bringIn = async (id: string) => {
  const closed = await closeSale(deps(), id)
  if (closed) await reopenSale(deps(), closed)
}
const deps = () => ({ database: world.database, stock: world.stock, saleAdmin, log })
const queues = { depths: async (names: string[]) => names.map((name) => (name === INTAKE ? waitingAtIntake : 0)) }
/** As the worker has shown it last. */
let salesClosed = 0
const onClosed = (sales: number) => {
  salesClosed = sales
}
const rebuilder = (reservationLifetimeMs = rules.reservationLifetimeMs) =>
  new Rebuilder(
    { ...deps(), queues, onCancelled: () => {}, onClosed, onRebuilt: () => {}, reconnect: () => {} },
    reservationLifetimeMs,
  )
const sale = () => world.database.sale.findUniqueOrThrow({ where: { id: saleId } })
const isOpen = async () => (await saleAdmin.read(saleId)).state === 'OPEN'
const left = async () => (await world.stock.readSale(saleId))?.left
const status = async (id: string) => (await findReservation(world, id))?.status

/** Runs the rebuilder repeatedly, as the worker does, until the sale is open. */
async function rebuilt(worker = rebuilder()): Promise<void> {
  await eventually(
    'the sale to be open again',
    async () => {
      await worker.runOnce()
      return isOpen()
    },
    Boolean,
  )
}

/** A unit set aside for the n-th buyer; its message is the test's to bring. */
async function reserve(n: number) {
  const { epoch } = await sale()
  const message = reservation(saleId, n, { epoch })
  const outcome = await reserveOne(world.stock, { saleId, epoch, total: STOCK }, message)
  if (outcome.status !== 'RESERVED') throw new Error(`Expected RESERVED, got ${outcome.status}`)
  await world.stock.confirmed(saleId, [message])
  return message
}

async function order(message: Awaited<ReturnType<typeof reserve>>): Promise<string> {
  const [verdict] = await placeOrders(world.database, [message], rules)
  await settleDecided(world.stock, verdict ? [verdict] : [], log)
  return verdict?.decision.outcome === 'ORDERED' ? verdict.decision.orderId : String(verdict?.decision.reason)
}

const loseEverything = () =>
  world.redis.eval(
    `for _, key in ipairs(redis.call('KEYS', ARGV[1])) do redis.call('DEL', key) end`,
    0,
    `${world.keyPrefix}*`,
  )
/** What a server finds that starts with an older copy of its data: everything as it was, under its own new run id. */
const olderCopy = async () => {
  const { left: units } = (await world.stock.readSale(saleId)) ?? {}
  return () => world.redis.hset(saleAdmin.keys.sale(saleId), { run_id: 'f'.repeat(40), stock: String(units) })
}

test('a Redis that is behind PostgreSQL is connected to anew before its sale is closed: it may be stale', async () => {
  let connections = 0
  const worker = new Rebuilder(
    { ...deps(), queues, onCancelled: () => {}, onClosed, onRebuilt: () => {}, reconnect: () => void connections++ },
    rules.reservationLifetimeMs,
  )
  await world.database.sale.update({ where: { id: saleId }, data: { epoch: 2, fencedEpoch: 2 } })
  await worker.runOnce()
  expect([connections, (await sale()).epoch, await isOpen()]).toEqual([1, 2, true])
  await rebuilt(worker)
  expect([connections, (await sale()).epoch]).toEqual([1, 3])
})

test('a sale that its creator did not bring into Redis is brought in, with the blacklist', async () => {
  await world.database.blacklistEntry.create({ data: { buyerId: 'mallory', reason: 'bots' } })
  const other = await ledger.sale(5)
  const worker = rebuilder()
  await eventually(
    'the sale to be open',
    async () => {
      await worker.runOnce()
      return saleAdmin.read(other)
    },
    ({ state }) => state === 'OPEN',
  )
  expect(await world.stock.readSale(other)).toMatchObject({ epoch: 1, left: 5 })
  expect(await world.redis.smembers(saleAdmin.keys.blacklist(other))).toEqual(['mallory'])
})

test('a running sale counts as closed while Redis has lost it, and while Redis does not answer', async () => {
  const worker = rebuilder()
  await worker.runOnce()
  expect(salesClosed).toBe(0)
  await loseEverything()
  await worker.runOnce()
  expect(salesClosed).toBe(1)
  await rebuilt(worker)
  await worker.runOnce()
  expect(salesClosed).toBe(0)
  vi.spyOn(saleAdmin, 'read').mockRejectedValue(new Error('away'))
  await expect(worker.runOnce()).rejects.toThrow(saleId)
  expect(salesClosed).toBe(1)
  vi.restoreAllMocks()
  await world.database.sale.update({ where: { id: saleId }, data: { closesAt: new Date(Date.now() - 1_000) } })
  await loseEverything()
  await worker.runOnce()
  expect(salesClosed, 'an ended sale').toBe(0)
})

test('a Redis that was emptied gets back every unit that is not sold, every holder and every answer', async () => {
  const [ann, bob, carl] = [await reserve(1), await reserve(2), await reserve(3)]
  await order(ann)
  const cancelled = await order(bob)
  await cancelForBuyer(world.database, cancelled, bob.buyerId)
  await placeOrders(world.database, [carl], { ...rules, reservationLifetimeMs: -1 })
  await loseEverything()
  await rebuilt()
  expect(await sale()).toMatchObject({ epoch: 2, fencedEpoch: 2 })
  expect(await left()).toBe(STOCK - 1)
  expect([await status(ann.reservationId), await status(bob.reservationId), await status(carl.reservationId)]).toEqual([
    'ORDERED',
    'CANCELLED',
    'REJECTED',
  ])
  // Settling the cancellation again releases nothing a second time.
  await world.database.order.update({ where: { id: cancelled }, data: { settledAt: null } })
  await settleEnded(deps())
  expect(await left()).toBe(STOCK - 1)
  const again = (who: typeof ann, id: string) =>
    reserveOne(world.stock, { saleId, epoch: 2, total: STOCK }, { ...who, reservationId: `${saleId}.${id}` })
  expect([(await again(ann, 'a2')).status, (await again(bob, 'b2')).status]).toEqual(['DUPLICATE', 'RESERVED'])
})

test('every order of a buyer who bought several times comes back, and each gives its units back once', async () => {
  const first = await order(await reserve(1))
  const { epoch } = await sale()
  const more = [2, 3].map((n) => reservation(saleId, n, { buyerId: 'buyer-1', quantity: n, epoch }))
  await placeOrders(world.database, more, rules)
  await loseEverything()
  await rebuilt()
  expect(await left()).toBe(STOCK - 6)
  const ids = [first, ...(await Promise.all(more.map((one) => ledger.orderOf(one.reservationId)))).map(({ id }) => id)]
  for (const [i, id] of ids.entries()) {
    expect(await status(`${saleId}.${i + 1}`)).toBe('ORDERED')
    await cancelForBuyer(world.database, id, 'buyer-1')
    await settleEnded(deps())
    await settleEnded(deps())
  }
  expect(await left()).toBe(STOCK)
})

test('an older copy that knows neither later buyers nor their units is not sold from', async () => {
  const restoreOlderCopy = await olderCopy()
  for (const n of [1, 2, 3]) await order(await reserve(n))
  await restoreOlderCopy()
  expect((await reserveOne(world.stock, { saleId, epoch: 1, total: STOCK }, reservation(saleId, 9))).status).toBe(
    'UNAVAILABLE',
  )
  await rebuilt()
  expect(await left()).toBe(STOCK - 3)
})

test('a server that was started anew with right figures is no alarm, and one with old figures is; both are rebuilt', async () => {
  const said: string[] = []
  const hearing = Object.assign(Object.create(log) as typeof log, {
    info: (_: unknown, text: string) => said.push(`info: ${text}`),
    warn: (_: unknown, text: string) => said.push(`warn: ${text}`),
  })
  const worker = new Rebuilder(
    { ...deps(), log: hearing, queues, onCancelled: () => {}, onClosed, onRebuilt: () => {}, reconnect: () => {} },
    rules.reservationLifetimeMs,
  )
  await order(await reserve(1))
  await (await olderCopy())()
  await rebuilt(worker)
  expect(said.map((line) => line.split(':').slice(0, 2).join(':'))).toEqual([
    'info: Redis restarted and its figures are right',
    'info: sale rebuilt from PostgreSQL, open again',
  ])
  const restoreOlderCopy = await olderCopy()
  await order(await reserve(2))
  await restoreOlderCopy()
  await rebuilt(worker)
  expect(said).toContain('warn: Redis may have lost this sale: closed, to be rebuilt')
  expect(await left()).toBe(STOCK - 2)
})

test('what was accepted before becomes orders before the sale opens', async () => {
  const waiting = await inParallel(4, 1, (i) => reserve(i))
  await (await olderCopy())()
  const worker = rebuilder()
  waitingAtIntake = 4
  for (let run = 0; run < 5; run++) await worker.runOnce()
  expect(await isOpen()).toBe(false)
  for (const message of waiting) expect(await order(message)).toMatch(/^[\da-f-]{36}$/)
  waitingAtIntake = 0
  await rebuilt(worker)
  expect(await left()).toBe(STOCK - 4)
})

/** A sale of two shards, in the first of which buyers reserve. */
async function shardedSale() {
  const id = await ledger.sale(STOCK, `sale-${randomUUID().slice(0, 8)}`)
  await world.database.sale.update({ where: { id }, data: { shards: 2 } })
  await bringIn(id)
  let n = 0
  return {
    second: ledgerName(id, 1),
    async reserve(epoch: number) {
      do n++
      while (shardOf(`buyer-${n}`, 2) !== 0)
      const message = reservation(id, n, { epoch })
      const outcome = await reserveOne(world.stock, { saleId: id, epoch, total: STOCK }, message)
      expect(outcome.status).toBe('RESERVED')
      return message
    },
    left: async () => (await world.stock.readSale(id))?.left,
  }
}

test('a lost shard opens while others sell, once the intake has brought what was reserved before the loss', async () => {
  const [early, late] = [await shardedSale(), await shardedSale()]
  const before = await early.reserve(1)
  for (const { second } of [early, late]) await world.redis.del(saleAdmin.keys.sale(second))
  const worker = rebuilder()
  waitingAtIntake = 1
  await worker.runOnce()
  await worker.runOnce()
  const meanwhile = await late.reserve(2)
  // The worker knows Redis' clock to some milliseconds only: what it has to see as later is so by much more.
  const sinceMs = performance.now()
  await eventually(
    'a second to pass',
    () => performance.now() - sinceMs,
    (passedMs) => passedMs > 1_000,
  )
  await order(meanwhile)
  await late.reserve(2)
  const opened = ({ second }: typeof early) =>
    eventually(
      'the shard to be open',
      async () => {
        await worker.runOnce()
        return (await saleAdmin.read(second)).state
      },
      (state) => state === 'OPEN',
    )
  await opened(late)
  expect((await saleAdmin.read(early.second)).state, 'while what was reserved before is undecided').toBe('CLOSED')
  await order(before)
  await early.reserve(2)
  await opened(early)
  expect([await early.left(), await late.left()]).toEqual([STOCK - 2, STOCK - 2])
})

test('what comes after the fence is too late, its unit stays free, and its buyer is told', async () => {
  const late = await reserve(1)
  await loseEverything()
  await rebuilt()
  expect(await left()).toBe(STOCK)
  expect(await order(late)).toBe('EXPIRED')
  expect(await left()).toBe(STOCK)
  expect(await world.stock.readReservation(late)).toMatchObject({
    status: 'REJECTED',
    reason: 'EXPIRED',
    buyerId: late.buyerId,
  })
})

test("a queue that is not drained within a reservation's life is not waited for: what is in it has expired", async () => {
  await reserve(1)
  await loseEverything()
  waitingAtIntake = 1
  await rebuilt(rebuilder(300))
  expect(await left()).toBe(STOCK)
})

test('an order cancelled between the fence and the opening gives its unit back once, after it', async () => {
  const ann = await reserve(1)
  const orderId = await order(ann)
  await loseEverything()
  const closed = await closeSale(deps(), saleId)
  const units = await fenceSale(world.database, saleId, 2)
  expect(units).toEqual({ left: STOCK - 1, stock: STOCK })
  await cancelForBuyer(world.database, orderId, ann.buyerId)
  expect(await settleEnded(deps())).toBe(0)
  await world.database.sale.update({ where: { id: saleId }, data: { fencedEpoch: 1 } })
  // Reopening draws the fence anew, and counts the cancelled unit as free.
  expect(closed && (await reopenSale(deps(), closed))).toBe(true)
  await settleEnded(deps())
  expect(await left()).toBe(STOCK)
})

test('one cancelled while the sale is being refilled is told after it has opened', async () => {
  const ann = await reserve(1)
  const orderId = await order(ann)
  await loseEverything()
  const closed = await closeSale(deps(), saleId)
  const cancelling = new (class extends SaleAdmin {
    override async fillBlacklist(): Promise<void> {
      await cancelForBuyer(world.database, orderId, ann.buyerId)
    }
  })(world.redis, world.keyPrefix)
  expect(closed && (await reopenSale({ ...deps(), saleAdmin: cancelling }, closed))).toBe(true)
  expect([await left(), await status(ann.reservationId)]).toEqual([STOCK - 1, 'ORDERED'])
  await Promise.all([settleEnded(deps()), settleEnded(deps())])
  expect([await left(), await status(ann.reservationId)]).toEqual([STOCK, 'CANCELLED'])
})

test.each(['before', 'after'])(
  'an order refunded right %s the fence gives its unit back once, and its buyer may buy again',
  async (moment) => {
    const ann = await reserve(1)
    const orderId = await order(ann)
    await ledger.pay(orderId)
    await settleEnded(deps())
    await loseEverything()
    const closed = await closeSale(deps(), saleId)
    const refund = async () => {
      await ledger.refund(orderId)
    }
    if (moment === 'before') await refund()
    const busy = new (class extends SaleAdmin {
      override async fillBlacklist(): Promise<void> {
        if (moment === 'after') await refund()
      }
    })(world.redis, world.keyPrefix)
    expect(closed && (await reopenSale({ ...deps(), saleAdmin: busy }, closed))).toBe(true)
    expect([await left(), await status(ann.reservationId)]).toEqual(
      moment === 'before' ? [STOCK, 'REFUNDED'] : [STOCK - 1, 'PAID'],
    )
    await Promise.all([settleEnded(deps()), settleEnded(deps())])
    expect(await left()).toBe(STOCK)
    expect(await world.stock.readReservation(ann)).toMatchObject({
      status: 'REFUNDED',
      reason: 'VETOED',
    })
    expect(
      (await reserveOne(world.stock, { saleId, epoch: 2, total: STOCK }, { ...ann, reservationId: `${saleId}.again` }))
        .status,
    ).toBe('RESERVED')
  },
)

test('a rebuilder that died after the fence is replaced, and one that was overtaken opens nothing', async () => {
  await order(await reserve(1))
  await loseEverything()
  const closed = await closeSale(deps(), saleId)
  await fenceSale(world.database, saleId, 2)
  await rebuilt()
  expect(await sale()).toMatchObject({ epoch: 3, fencedEpoch: 3 })
  expect(await left()).toBe(STOCK - 1)
  expect(await saleAdmin.open(saleId, closed?.epoch ?? 0, STOCK)).toBe('STALE')
  expect(closed && (await reopenSale(deps(), closed))).toBe(false)
  expect(await left()).toBe(STOCK - 1)
})

test('a sale is fenced once: a second worker leaves it to the first, or to a higher epoch', async () => {
  await order(await reserve(1))
  await loseEverything()
  const closed = await closeSale(deps(), saleId)
  expect(await fenceSale(world.database, saleId, 2)).toEqual({ left: STOCK - 1, stock: STOCK })
  expect(await fenceSale(world.database, saleId, 2)).toBeUndefined()
  expect(closed && (await reopenSale(deps(), closed))).toBe(false)
  expect(await isOpen()).toBe(false)
})

test('a sale that is just being created is left to its creator', async () => {
  const other = await ledger.sale(5)
  await rebuilder().runOnce()
  expect(await closeSale(deps(), other)).toMatchObject({ epoch: 1 })
  await rebuilder().runOnce()
  expect(await fenceSale(world.database, other, 1)).toEqual({ left: 5, stock: 5 })
})

test('of rebuilders who find a sale lost at the same time one closes it', async () => {
  await loseEverything()
  const closed = await Promise.all([1, 2, 3].map(() => closeSale(deps(), saleId)))
  expect(closed.filter(Boolean)).toMatchObject([{ epoch: 2 }])
  expect(await sale()).toMatchObject({ epoch: 2 })
})

test('many rebuilders at once rebuild a sale once, and nothing is sold twice', async () => {
  for (const n of [1, 2]) await order(await reserve(n))
  await loseEverything()
  await inParallel(5, 5, () => rebuilt())
  expect(await left()).toBe(STOCK - 2)
  expect(await sale()).toMatchObject({ epoch: 2 })
})

test('when Redis has lost many sales, the near ones are closed first, and of the others 50 in a run', async () => {
  await world.database.$executeRaw`
    INSERT INTO sales (id, title, price_cents, stock, epoch, fenced_epoch, opens_at, closes_at)
    SELECT 'later-' || i, 'A sale', 500, ${STOCK}, 1, 1, now() + interval '1 day', now() + interval '2 days'
    FROM generate_series(1, 120) AS i`
  await loseEverything()
  const worker = rebuilder()
  const raised = () => world.database.sale.findMany({ where: { epoch: 2 }, select: { id: true } })
  await worker.runOnce()
  const first = await raised()
  expect(first).toHaveLength(51)
  expect(first).toContainEqual({ id: saleId })
  await worker.runOnce()
  expect(await raised()).toHaveLength(101)
  await rebuilt(worker)
})
