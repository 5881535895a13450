import { setTimeout as delay } from 'node:timers/promises'
import { Pool } from 'undici'
import { PayingBuyers } from './paying-buyers.ts'
import { isWishing, type LoadPlan, type LoadResult, type PaidOrder, POINTS_SPENT } from './plan.ts'
import { percentiles, Tally } from './tally.ts'

/** After the run's time: answers that are still to come. */
const STRAGGLERS_LIMIT_MS = 60_000
const TICK_MS = 1
const FAILURES_KEPT = 5

/** Runs one plan to its end. `tokenOf` names the token of a buyer by number. */
export async function runLoad(
  plan: LoadPlan,
  tokenOf: (buyer: number) => string,
): Promise<{ result: LoadResult; orders: PaidOrder[] }> {
  const { origin, pathname: path } = new URL(plan.url)
  const endsAtMs = plan.seconds * 1_000
  const pool = new Pool(origin, { connections: plan.connections, pipelining: 1 })
  const payers = new PayingBuyers(origin)
  const tally = new Tally(endsAtMs)
  const failures: string[] = []
  if (plan.ratePerSecond !== undefined) await connectAll(pool, plan.connections)
  let [sent, open] = [0, 0]
  const [startedAtMs, startedAt] = [Date.now(), performance.now()]
  const sinceStart = () => performance.now() - startedAt

  /** `onDone` is called once the buyer is through: answered, and one who pays, paid. */
  function send(dueMs: number, onDone: () => void): void {
    const request = sent++
    const buyer = plan.firstBuyer + (plan.buyers === undefined ? request : request % plan.buyers)
    const token = tokenOf(buyer)
    open += 1
    const done = (failure?: Error) => {
      open -= 1
      if (failure && failures.length < FAILURES_KEPT) failures.push(failure.message)
      onDone()
    }
    let [status, text] = [0, '']
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` }
    // The handler's cheapest form: `request` would make a stream of each body.
    pool.dispatch(
      { path, method: 'POST', headers, body: bodyOf(plan, buyer) },
      {
        onRequestStart() {},
        onResponseStart(_controller, code) {
          status = code
        },
        onResponseData(_controller, chunk) {
          if (plan.pays) text += chunk.toString('utf8')
        },
        onResponseEnd() {
          const outcome = tally.answered(status, dueMs, sinceStart())
          if (!plan.pays || outcome !== 'accepted') done()
          else void (async () => done(await payers.pay(text, token)))()
        },
        onResponseError: (_controller, error) => done(error),
      },
    )
  }

  /** The next request goes out as soon as a connection is free: what the server can do at most. */
  function sendClosed(): void {
    const next = () => {
      if (sinceStart() < endsAtMs) send(sinceStart(), next)
    }
    for (let i = 0; i < plan.connections; i++) next()
  }

  /**
   * Each request has its own due time, from which its latency counts: when no connection is free it waits in the pool,
   * so that a server that stalls pays for every buyer who came meanwhile (no coordinated omission).
   */
  async function sendOpen(ratePerSecond: number): Promise<void> {
    for (const dueMs = () => (sent * 1_000) / ratePerSecond; dueMs() < endsAtMs; await delay(TICK_MS))
      while (dueMs() <= sinceStart() && dueMs() < endsAtMs) send(dueMs(), () => {})
  }

  if (plan.ratePerSecond === undefined) sendClosed()
  else await sendOpen(plan.ratePerSecond)
  await delay(Math.max(0, endsAtMs - sinceStart()))
  for (const until = performance.now() + STRAGGLERS_LIMIT_MS; open > 0 && performance.now() < until; ) await delay(5)
  if (open > 0) failures.push(`${open} buyers were not through after ${STRAGGLERS_LIMIT_MS / 1_000} s`)
  const endedAtMs = Date.now()
  await Promise.all([pool.destroy(), payers.close()])
  const result = {
    startedAtMs,
    endedAtMs,
    ...(plan.ratePerSecond !== undefined && { ratePerSecond: plan.ratePerSecond }),
    outcomes: tally.outcomes,
    perSecond: tally.perSecond(),
    latencyMs: percentiles(tally.latency),
    ...(plan.pays && { toOrderMs: percentiles(payers.toOrder) }),
    paid: payers.orders.length,
    timeline: tally.timeline,
    nextBuyer: plan.firstBuyer + (plan.buyers === undefined ? sent : 0),
    failures,
  }
  return { result, orders: payers.orders }
}

/**
 * Buyers have the page open before the sale begins. Connections opened while the rate is held would wait for each other:
 * Node accepts one in each turn of its event loop, so a stall that brings new ones would last for seconds.
 */
async function connectAll(pool: Pool, connections: number): Promise<void> {
  const connect = async () => await (await pool.request({ path: '/livez', method: 'GET' })).body.dump()
  // A connection that fails is opened again by the request that needs it.
  await Promise.allSettled(Array.from({ length: connections }, connect))
}

function bodyOf({ couponPrefix }: LoadPlan, buyer: number): string {
  return couponPrefix !== undefined && isWishing(buyer)
    ? JSON.stringify({ quantity: 1, coupon: couponPrefix + buyer, points: POINTS_SPENT })
    : '{"quantity":1}'
}
