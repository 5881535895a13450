import type { CrowdView, RequestGroup } from '../../core/contracts/control-room.ts'

/** The task of a crowd, sent by the control room to its child process. */
export interface CrowdPlan {
  gatewayUrl: string
  tokenSecret: string
  /** Takes the place of the origin in payment links: those are made for a browser, which may see other addresses. */
  paymentUrl?: string | undefined
  saleId: string
  perBuyerLimit: number
  /** Keeps the buyers of two crowds apart. */
  run: string
  buyers: number
  seconds: number
}

/** What the crowd has counted so far, sent twice a second. */
export type CrowdReport = Pick<CrowdView, 'asked' | 'answers' | 'unanswered' | 'paid'> & {
  state: 'RUNNING' | 'PAYING' | 'DONE'
}

/** Shares of buyers by behaviour, in percent; all others press once and never pay. */
export const HABITS = {
  /** Pays when the order is there. */
  pays: 55,
  /** Presses again a moment later, to be sure. */
  repeats: 20,
  /** Presses many times at once, more than a buyer may (BUYER_BURST). */
  hammers: 2,
  /** Buys one unit after another up to the limit, each under a key of its own. */
  collects: 15,
} as const
export const HAMMER_PRESSES = 14

/**
 * When the n-th buyer comes, in seconds: most at once when the sale opens, then fewer and fewer, down to none. The rate
 * falls in a straight line, so that it begins with twice the average.
 */
export function arrivalSeconds(n: number, buyers: number, seconds: number): number {
  return seconds * (1 - Math.sqrt(1 - n / buyers))
}

const REFUSALS: Record<number, RequestGroup> = { 409: 'soldOut', 429: 'limited', 503: 'busy' }

/** `isKnown`: the buyer was told this reservation before. */
export function groupOf(status: number, isKnown: boolean): RequestGroup {
  if (status === 200 || status === 202) return isKnown ? 'repeated' : 'accepted'
  return REFUSALS[status] ?? 'other'
}
