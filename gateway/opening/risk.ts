/** What is known of a buyer who asks for a ticket. */
export interface BuyerFacts {
  isBlacklisted: boolean
  /** Undefined when the buyer's login does not say. */
  accountAgeMs: number | undefined
  /** Accounts that have asked for tickets of this sale from the same address, this one included. */
  accountsOfAddress: number
  /** Orders of this sale that the buyer has let lapse. */
  lapsedOrders: number
}

const DAY_MS = 24 * 3_600_000
const HIGHEST = 100

/** Points by rule. An address alone is no proof: behind the one of a campus or a mobile network are many people. */
const RULES = {
  BLACKLISTED: ({ isBlacklisted }) => (isBlacklisted ? HIGHEST : 0),
  NEW_ACCOUNT: ({ accountAgeMs = Infinity }) => (accountAgeMs < DAY_MS ? 30 : accountAgeMs < 7 * DAY_MS ? 15 : 0),
  CROWDED_ADDRESS: ({ accountsOfAddress: accounts }) =>
    accounts > 100 ? 80 : accounts > 20 ? 40 : accounts > 5 ? 20 : 0,
  LAPSED_ORDERS: ({ lapsedOrders }) => Math.min(60, 15 * lapsedOrders),
} satisfies Record<string, (facts: BuyerFacts) => number>
export type RiskRule = keyof typeof RULES

/** How likely it is that a script asks: the points of all rules together, 0 to 100, and which rules gave some. */
export function riskOf(facts: BuyerFacts): { score: number; rules: RiskRule[] } {
  const points = Object.entries(RULES).map(([rule, pointsOf]) => [rule as RiskRule, pointsOf(facts)] as const)
  return {
    score: Math.min(
      HIGHEST,
      points.reduce((sum, [, some]) => sum + some, 0),
    ),
    rules: points.filter(([, some]) => some > 0).map(([rule]) => rule),
  }
}

/** How much more work a buyer of that risk has to do: 1 to 5 times as much. */
export const workFactor = (score: number) => 1 + score / 25
