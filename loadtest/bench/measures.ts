import { setTimeout as delay } from 'node:timers/promises'
import { TICK_MS } from './load/plan.ts'
import { type Bench, measure, type MeasureOptions } from './measure.ts'
import type { Program } from './program.ts'
import { type Measured, payingBuyersMax, type Round, type Rush } from './results.ts'

const WRITING_LIMIT_MS = 300_000
/** Open model: how far connections may grow when buyers wait, in times the closed model's. */
const GROWTH = 8
/** Few enough that each meets the limit of one buyer at once. */
const PUSHING_BUYERS = 8
/** Buyers who are refused need not be new: their tokens come again after so many. */
const REFUSED_BUYERS = 50_000
/** At its default rate the order service needs 20 s for so many. */
const RUSH_BUYERS_MAX = 40_000

/** What a node process answers at most, bare (P) and behind Express (H). */
export function measureYardstick(bench: Bench, which: 'plain' | 'hello'): Promise<Measured> {
  return measure(bench, { url: `${bench.yardsticks[which].url}/hello`, plan: { buyers: REFUSED_BUYERS } })
}

export async function measureBuying(bench: Bench, options: Omit<MeasureOptions, 'url'> = {}): Promise<Measured> {
  return await measure(bench, { ...(await newSale(bench)), ...options })
}

/** Buyers who pay, through to the last effect; every other one with a coupon and points. */
export async function measureCarriedHalf(bench: Bench): Promise<Measured> {
  const sale = await newSale(bench)
  const couponPrefix = await bench.shop.giveCouponsAndPoints(sale.saleId, payingBuyersMax(bench.options))
  return await measure(bench, { ...sale, plan: { pays: true, couponPrefix }, toTheEnd: true })
}

/** Buyers at a fixed rate. */
export async function measureOpen(bench: Bench, ratePerSecond: number, options: { pays?: boolean } = {}) {
  const plan = { ...openModel(bench, ratePerSecond), ...options }
  return await measureBuying(bench, { plan, toTheEnd: options.pays === true })
}

const openModel = ({ options }: Bench, ratePerSecond: number) => ({
  ratePerSecond: Math.max(1, ratePerSecond),
  connections: options.connections * GROWTH,
})

async function newSale(
  { shop, system }: Bench,
  { stock, gateway = system.gateway }: { stock?: number; gateway?: Program } = {},
) {
  const saleId = await shop.openSale(stock)
  return { saleId, url: `${gateway.url}/sales/${saleId}/reservations` }
}

export async function measureSoldOut(bench: Bench, gateway = bench.system.gateway): Promise<Measured> {
  const { saleId, url } = await newSale(bench, { stock: 1, gateway })
  const winner = await bench.generator.run({ url, seconds: 0.2, connections: 1, firstBuyer: 0 })
  bench.shop.accepted.set(saleId, winner.result.outcomes.accepted)
  // The winner would be told of the reservation, not that nothing is left.
  return await measure(bench, { url, plan: { firstBuyer: 1, buyers: REFUSED_BUYERS }, expected: ['soldOut'] })
}

export async function measureSoldOutTwo(bench: Bench): Promise<Measured> {
  const gateway = await bench.system.startGateway(2)
  const measured = await measureSoldOut(bench, gateway)
  await gateway.stop()
  return measured
}

/** Buyers who press faster than one buyer may. The few who may are told of the reservation that they hold. */
export async function measureLimited(bench: Bench): Promise<Measured> {
  const { saleId, url } = await newSale(bench)
  const measured = await measure(bench, { url, plan: { buyers: PUSHING_BUYERS }, expected: ['limited', 'accepted'] })
  bench.shop.accepted.set(saleId, PUSHING_BUYERS)
  return measured
}

export function measureUnknownPath(bench: Bench): Promise<Measured> {
  const url = `${bench.system.gateway.url}/nothing-is-here`
  return measure(bench, { url, plan: { buyers: REFUSED_BUYERS }, expected: ['notFound'] })
}

/** Starts the order service on what has piled up. The clock runs from the last look before its first order. */
export async function workOffBacklog(bench: Bench): Promise<NonNullable<Round['backlog']>> {
  const { system, shop, unexpected } = bench
  const before = await shop.sold()
  await system.startOrderService('full')
  const looks = await watchOrders(bench, before)
  const left = await shop.untilDone()
  if (left !== undefined) unexpected.push(`the backlog was not worked off: ${left}`)
  const [first, last] = [looks.findLast(({ orders }) => orders === 0) ?? looks[0], looks.at(-1)]
  if (!first || !last) return { orders: 0, ordersPerSecond: 0, effectsPerSecond: 0 }
  const rate = (untilMs: number) => ((last.orders - first.orders) * 1_000) / Math.max(1, untilMs - first.atMs)
  return {
    orders: last.orders,
    ordersPerSecond: rate(last.atMs),
    effectsPerSecond: rate(await shop.lastEffectAtMs()),
  }
}

/** A rush that meets an order service at its default rate: who is accepted, what is written, until all is done. */
export async function watchRush(bench: Bench, ratePerSecond: number): Promise<Rush> {
  const { system, shop, generator, options } = bench
  await system.startOrderService('steady')
  await shop.untilDone()
  const { saleId, url } = await newSale(bench)
  const before = await shop.sold()
  const seconds = Math.min(options.seconds, RUSH_BUYERS_MAX / ratePerSecond)
  let isOver = false
  const rush = generator.run({ url, seconds, firstBuyer: 0, ...openModel(bench, ratePerSecond) }).then(({ result }) => {
    shop.accepted.set(saleId, result.outcomes.accepted)
    isOver = true
    return result
  })
  const looks = await watchOrders(bench, before, () => isOver)
  const { timeline, startedAtMs, endedAtMs } = await rush
  await shop.untilDone()
  const since = (atMs: number) => Math.max(0, atMs - endedAtMs) / 1_000
  return {
    moments: looks.map(({ atMs, orders }) => ({
      atMs: atMs - startedAtMs,
      orders,
      accepted: acceptedBy(atMs - startedAtMs, timeline),
    })),
    secondsToOrders: since(looks.at(-1)?.atMs ?? endedAtMs),
    secondsToEffects: since(await shop.lastEffectAtMs()),
  }
}

/** Orders beyond those of before, some times a second, until the last that is owed is written. */
async function watchOrders({ shop }: Bench, before: number, isComplete = () => true) {
  const looks: { atMs: number; orders: number }[] = []
  const until = Date.now() + WRITING_LIMIT_MS
  for (let left = 1; left > 0 && Date.now() < until; await delay(TICK_MS / 2)) {
    // Asked first: what is owed is known only then.
    const isKnown = isComplete()
    looks.push({ atMs: Date.now(), orders: (await shop.sold()) - before })
    left = isKnown ? await shop.undecided() : 1
  }
  return looks
}

/** The generator counts by ticks; within one, answers are taken to have come evenly. */
function acceptedBy(atMs: number, timeline: number[]): number {
  return timeline.reduce((sum, count, i) => sum + count * Math.min(1, Math.max(0, atMs / TICK_MS - i)), 0)
}
