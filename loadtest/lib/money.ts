/** The order's status after the provider's answer. */
const ENDS = {
  PAID: 'PAID',
  // The shop answered too late and got the callback again: the first one had counted.
  ALREADY_COUNTED: 'PAID',
  // The payment window was over: the money goes back.
  REFUND_DUE: 'CANCELLED',
} as const

/** @returns undefined for any other answer */
export const endOf = (outcome: unknown): 'PAID' | 'CANCELLED' | undefined =>
  typeof outcome === 'string' && Object.hasOwn(ENDS, outcome) ? ENDS[outcome as keyof typeof ENDS] : undefined
