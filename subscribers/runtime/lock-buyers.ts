import type { OrderEvent } from '../../core/contracts/messages.ts'
import type { Transaction } from '../../core/platform/stores/database.ts'

/**
 * Makes transactions of one subscriber take turns that concern the same buyer. Sorted, so that they cannot deadlock.
 */
export async function lockBuyers(tx: Transaction, subscriber: string, events: OrderEvent[]): Promise<void> {
  const buyerIds = [...new Set(events.map(({ buyerId }) => buyerId))].toSorted()
  if (buyerIds.length === 0) return
  await tx.$executeRaw`
    SELECT pg_advisory_xact_lock(hashtextextended(${`${subscriber} `}::text || buyer_id, 0))
    FROM unnest(${buyerIds}::text[]) AS buyer (buyer_id)`
}
