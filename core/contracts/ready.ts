/** GET /sales/:saleId/ready of the control room. Without a schema, so that its page does not get zod. */

export const READY_CHECKS = [
  'sale',
  'services',
  'clocks',
  'queues',
  'connections',
  'limits',
  'redis',
  'disk',
  'payments',
] as const
export type ReadyCheck = (typeof READY_CHECKS)[number]

/** What has to be mended before the sale. */
export interface ToMend {
  check: ReadyCheck
  /** For programs, and for the page's words in other languages. */
  code: string
  /** What is wrong and how to mend it, in one sentence. */
  detail: string
}

export interface ReadyReport {
  saleId: string
  /** Buyers that the sale is checked for. */
  buyers: number
  isReady: boolean
  toMend: ToMend[]
  /** Checks that could not be made, each with the reason. */
  unknown: { check: ReadyCheck; detail: string }[]
}

/** Without an expectation of the operator: so many buyers come for each unit. */
export const BUYERS_PER_UNIT = 10
export const BUYERS_MAX = 10_000_000
export const GATEWAYS_MAX = 1_000
