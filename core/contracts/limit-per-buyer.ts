import { z } from 'zod'
import { AMOUNT_CENTS_MAX } from './values.ts'

/**
 * The claims of a buyer's token that `limitPerBuyer` may use. The token, the reservation in Redis and the message to
 * the order service carry them. One that is missing, or of another form than here, counts as absent.
 */
export const BuyerClaims = z.object({ tier: z.string().max(40).optional().catch(undefined) })
export type BuyerClaims = z.infer<typeof BuyerClaims>

/** Who a verified token names. */
export interface Buyer {
  id: string
  claims: BuyerClaims
  /** Their login says that they may not buy; what they have bought they may still pay. */
  isBlocked?: boolean
  /** When the account was made, if their login says so; for the risk of a ticket. */
  registeredAtMs?: number
}

/** A visitor who is not signed in. */
export const VISITOR: Buyer = { id: '', claims: {} }

/** Whether the buyer stands in the members' line of a waiting room that has one: every buyer with a tier does. */
export const isMember = ({ claims }: Pick<Buyer, 'claims'>) => claims.tier !== undefined

export interface SaleTerms {
  priceCents: number
  perBuyerLimit: number
}

/**
 * Units that this buyer may have live in this sale, in all purchases together; 0 refuses the buyer as NOT_ELIGIBLE. The
 * only place of this rule: the gateway tells the result to the script that reserves, `decide` checks it again and
 * stores it with the decision, where the audit finds it, and the catalogue shows it. It must depend on nothing but its
 * arguments. When it falls, because the sale's limit or a claim was changed, buyers keep what they have above it and
 * get no more.
 */
export function limitPerBuyer(sale: SaleTerms, _buyer: Buyer): number {
  return withinOneOrder(sale.priceCents, sale.perBuyerLimit)
}

/** An order's amount has to fit its column. */
function withinOneOrder(priceCents: number, units: number): number {
  return Math.min(units, Math.floor(AMOUNT_CENTS_MAX / priceCents))
}
