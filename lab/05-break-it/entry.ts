/** What goes wrong around the shop. Each is played in a sale of its own, in this order. */
export const FAULTS = [
  'none',
  'above-stock',
  'paid-twice',
  'paid-and-cancelled',
  'broker-gone',
  'queue-unbound',
  'database-gone',
  'event-lost',
  'event-late',
  'redis-emptied',
] as const
export type Fault = (typeof FAULTS)[number]

export interface Entry {
  fault: Fault
  /** TOLD: a buyer got a 202. ENDED: what became of their reservation. AUDIT: a line of the audit that is not green. */
  what: 'TOLD' | 'ENDED' | 'AUDIT'
  at: number
  buyer?: string
  reservation?: string
  status?: string
  /** Why a reservation was rejected. */
  reason?: string
  /** The name of the rule, and which reservation or order it is about. */
  rule?: string
  detail?: string
}
