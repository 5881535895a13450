/**
 * What an answer means to a buyer. Rates are told apart by it: most published figures of such systems count refusals.
 */
export const OUTCOMES = ['accepted', 'soldOut', 'limited', 'busy', 'other'] as const
export type Outcome = (typeof OUTCOMES)[number]
export type Counts = Record<Outcome, number>

export const noCounts = (): Counts => ({ accepted: 0, soldOut: 0, limited: 0, busy: 0, other: 0 })

export function outcomeOf(status: number): Outcome {
  switch (status) {
    // 200 is the bare Express's, 201 that of a design which answers with the order itself.
    case 200:
    case 201:
    case 202:
      return 'accepted'
    case 409:
      return 'soldOut'
    case 429:
      return 'limited'
    case 503:
      return 'busy'
    default:
      return 'other'
  }
}
