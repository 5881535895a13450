import { sleep } from 'k6'
import { type Audit, createSale, readAudit } from './control-room.ts'
import { accounted, lostUnits, ordersOwed, oversold } from './counters.ts'
import { PAYMENT_WINDOW_SECONDS } from './environment.ts'

/** What the set-up hands to every VU. */
export interface Sale {
  id: string
  stock: number
}

/**
 * Enough for a backlog of 200,000 orders at the order service's default rate and for the sweep of a lost message. With
 * a short payment window, rest begins only after the last order has lapsed.
 */
const QUIET_LIMIT_SECONDS = 120 + Math.min(PAYMENT_WINDOW_SECONDS, 120)
const OPEN_HOURS = 24
/** Some buyers buy twice; each purchase is about one unit. */
export const PER_BUYER_LIMIT = 2

/** A fresh sale that has just opened. `name` tells the sales of one run apart. */
export function openSale(stock: number, name = '', opening?: object): Sale {
  const id = `k6-${Date.now().toString(36)}${name && `-${name}`}`
  const opensAt = new Date(Date.now() - 1_000)
  createSale({
    id,
    stock,
    perBuyerLimit: PER_BUYER_LIMIT,
    opensAt,
    opening,
    closesAt: new Date(opensAt.getTime() + OPEN_HOURS * 3_600_000),
  })
  return { id, stock }
}

/**
 * Waits until nothing is in flight, then has the control room's audit recount every unit in PostgreSQL and Redis. Each
 * fault is logged, counted, and fails the run by its threshold.
 */
export function accountFor({ id, stock }: Sale): void {
  const audit = auditAtRest(id)
  const sale = audit?.sales[0]
  if (!audit || !sale) return console.error(`${id}: no audit could be made, so nothing is accounted for`)

  const left = sale.redisLeft ?? 0
  const { PENDING_PAYMENT, PAID, CANCELLED, REFUNDED } = sale.orders
  // Every purchase takes one unit. The sale's own counter is checked, too.
  const sold = PENDING_PAYMENT + PAID
  console.log(
    `${id}${audit.quiet ? ' at rest' : ''}: ${stock} units = ${PAID} paid + ${PENDING_PAYMENT} unpaid + ${left} left; ${CANCELLED} orders lapsed`,
  )
  ordersOwed.add(-(sold + CANCELLED + REFUNDED))
  oversold.add(Math.max(0, sold - stock, sale.sold - stock))
  if (!audit.quiet)
    return console.error(
      `${id}: not at rest after ${QUIET_LIMIT_SECONDS} s: ${sale.pending} unconfirmed, ${sale.undecided} undecided`,
    )

  lostUnits.add(Math.max(0, stock - sold - left))
  for (const { name, state, detail } of sale.checks)
    if (state !== 'ok') console.error(`${id}: ${name}: ${state}: ${detail}`)
  if (audit.balanced) accounted.add(1)
}

/** The first quiet audit, or else the last one. */
function auditAtRest(saleId: string): Audit | undefined {
  let audit: Audit | undefined
  for (const startedAt = Date.now(); Date.now() - startedAt < QUIET_LIMIT_SECONDS * 1_000; sleep(1)) {
    audit = readAudit(saleId)
    if (audit?.quiet) break
  }
  return audit
}
