import type { AuditReport } from '../../../core/audit/report.ts'
import { brokenPromises } from '../support/accounting.ts'
import { AuditWatch } from '../support/audit-watch.ts'
import type { Call } from '../support/calls.ts'
import { Crowd, nameOfBuyer } from '../support/crowd.ts'
import { HEALING_LIMIT_MS } from '../support/purchases.ts'
import type { AnyServers } from '../support/servers.ts'
import type { Shop } from '../support/shop.ts'
import { holdsWithin } from '../support/until.ts'
import { fillPockets } from '../support/wishes.ts'
import { carryOut, type Fault } from './schedule.ts'

const STOCK = 60
/** They may have more units than there are, and ask for twice as many, so that every released unit is sold again. */
const BUYERS = 40
const PURCHASES_OF_EACH = 3
const LIMIT_PER_BUYER = 2
const ARRIVE_WITHIN_MS = 8_000
/** Longer than any call that is still under way. */
const LEAVING_LIMIT_MS = 25_000

export interface Round {
  seed: number
  schedule: Omit<Fault, 'strike'>[]
  /** Of all buyers, from its opening. */
  made: Call[]
  openedAtMs: number
  accepted: number
  paid: number
  /** From the end of the last fault until everything was sold, settled and quiet. */
  healedInMs: number
  broken: string[]
  audit: AuditReport | undefined
}

/** One sale under faults, from its opening until every unit is accounted for. */
export async function playRound<Own extends AnyServers>(
  shop: Shop<Own>,
  seed: number,
  schedule: Fault<Own>[],
): Promise<Round> {
  await shop.whole()
  const saleId = await shop.openSale(STOCK, LIMIT_PER_BUYER)
  await fillPockets(
    shop.ledgers,
    saleId,
    Array.from({ length: BUYERS }, (_, i) => nameOfBuyer(i)),
  )
  const openedAtMs = Date.now()
  const crowd = new Crowd(shop, saleId, {
    buyers: BUYERS,
    purchasesOfEach: PURCHASES_OF_EACH,
    arriveWithinMs: ARRIVE_WITHIN_MS,
    seed,
  })
  const watch = new AuditWatch(shop, saleId)
  try {
    await carryOut(schedule, shop)
    const healingSinceMs = Date.now()
    crowd.everybodyPays()
    await holdsWithin(HEALING_LIMIT_MS, () => isHealed(crowd, watch, healingSinceMs))
    const healedInMs = Date.now() - healingSinceMs
    await watch.stop()
    return {
      ...tell(crowd, watch),
      seed,
      schedule,
      openedAtMs,
      healedInMs,
      broken: brokenPromises({ crowd, watch, stock: STOCK, limitPerBuyer: LIMIT_PER_BUYER }),
    }
  } finally {
    crowd.abandon()
    await watch.stop()
    await holdsWithin(LEAVING_LIMIT_MS, hasGone(crowd))
  }
}

function isHealed(crowd: Crowd, { latest }: AuditWatch, sinceMs: number): boolean {
  if (!latest || latest.startedAtMs < sinceMs) return false
  const { report, sale } = latest
  if (sale.orders.PAID === STOCK) crowd.soldThrough()
  return (
    sale.orders.PAID === STOCK &&
    crowd.open().length === 0 &&
    report.quiet &&
    sale.checks.every(({ state }) => state === 'ok')
  )
}

function tell({ calls, ...crowd }: Crowd, { latest }: AuditWatch): Pick<Round, 'made' | 'accepted' | 'paid' | 'audit'> {
  return {
    made: calls.made,
    accepted: crowd.buyers.flatMap((buyer) => buyer.held).length,
    paid: latest?.sale.orders.PAID ?? 0,
    audit: latest?.report,
  }
}

function hasGone(crowd: Crowd): () => boolean {
  let isGone = false
  void crowd.gone.then(() => {
    isGone = true
  })
  return () => isGone
}
