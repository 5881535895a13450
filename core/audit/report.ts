/** What an audit says; plain data, so that it crosses HTTP as it is. */

/** The invariants of docs/architecture.md, by their numbers there. */
export type CheckId = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9
/**
 * `in flight`: a step that is still to come mends it. `wrong`: no such step does.
 */
export type CheckState = 'ok' | 'in flight' | 'wrong'

export interface Check {
  id: CheckId
  name: string
  state: CheckState
  /** What was compared; when wrong, which reservation, order or buyer it is. */
  detail: string
}

export type OrderCounts = Record<'PENDING_PAYMENT' | 'PAID' | 'CANCELLED' | 'REFUNDED', number>

export interface SaleAudit {
  saleId: string
  /** When an archived sale was archived; its figures come from the archive. */
  archivedAt?: string
  stock: number
  /** Units of unpaid and paid orders, as the sale's own counter says. */
  sold: number
  /** Units left in Redis; null when Redis has no ledger of the sale. */
  redisLeft: number | null
  /** Whether buyers can reserve; not while the ledger is built or rebuilt. */
  isOpen: boolean
  /** Reservations whose publish the broker has not confirmed. */
  pending: number
  /** Reservations that are neither ordered nor rejected. */
  undecided: number
  orders: OrderCounts
  rejections: number
  checks: Check[]
}

/** Messages that wait in each queue. */
export interface QueueDepths {
  intake: number
  /** Timeout messages that wait for their delay; with the broker's delay plugin they cannot be counted. */
  waiting: number
  cancellations: number
  deadLetters: number
}

export interface AuditReport {
  /** No check is wrong. Only when it is also quiet has every unit been accounted for. */
  balanced: boolean
  /**
   * Nothing is in flight: no reservation undecided or unconfirmed, intake and outbox empty, every ended order settled.
   */
  quiet: boolean
  at: string
  sales: SaleAudit[]
  queues: QueueDepths
  outbox: number
}

/** Something that is wrong or in flight in one sale. */
export interface Finding {
  saleId: string
  check: CheckId
  state: Exclude<CheckState, 'ok'>
  what: string
  count: number
  /** Of reservations, orders or buyers; at most NAMED_MAX. */
  ids: string[]
}

/** More names would not help; the count has all. */
export const NAMED_MAX = 10

export interface AuditLimits {
  /** A reservation without a decision is wrong from this age on: its lifetime, and what the sweeper may take. */
  undecidedMs: number
  /** How long settling may take before its absence is wrong. */
  settlingMs: number
  /**
   * How long an open sale may go without being reconciled: longer than a cancel worker is down before an alarm.
   */
  reconciledMs: number
}

/** Every fault is to be mended 30 s after its end; a sweep's grace and interval come on top. */
const HEALING_MS = 45_000
const RECONCILED_MS = 300_000

export function auditLimits(reservationLifetimeSeconds: number): AuditLimits {
  return {
    undecidedMs: reservationLifetimeSeconds * 1_000 + HEALING_MS,
    settlingMs: HEALING_MS,
    reconciledMs: RECONCILED_MS,
  }
}
