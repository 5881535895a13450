/** What a buyer finds their order to be once the provider has told them so. */
const ENDS = {
  PAID: 'PAID',
  // The shop was slow to answer and was told once more: the first time had counted.
  ALREADY_COUNTED: 'PAID',
  // The payment window was over: the money goes back.
  REFUND_DUE: 'CANCELLED',
} as const

/** @returns undefined where the provider says anything else. */
export const endOf = (outcome: unknown): 'PAID' | 'CANCELLED' | undefined =>
  typeof outcome === 'string' && Object.hasOwn(ENDS, outcome) ? ENDS[outcome as keyof typeof ENDS] : undefined
