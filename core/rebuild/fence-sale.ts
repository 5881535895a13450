import type { Database } from '../platform/stores/database.ts'

/**
 * Draws the line between what was and what will be reserved: from here on a reservation of an earlier epoch becomes no
 * order any more, so that every unit not sold now is free for good. Ended orders that Redis has not heard of count as
 * told, because their units are among the free ones; those that end from here on are told once the door is open.
 * @returns units left, of how many; undefined when this epoch was fenced before, or is not the sale's any more.
 */
export async function fenceSale(
  database: Database,
  saleId: string,
  epoch: number,
): Promise<{ left: number; stock: number } | undefined> {
  return database.$transaction(async (tx) => {
    // Placing and ending take the sale's row first: neither goes on meanwhile.
    const [fenced] = await tx.$queryRaw<{ left: number; stock: number }[]>`
      UPDATE sales SET fenced_epoch = epoch WHERE id = ${saleId} AND epoch = ${epoch} AND fenced_epoch < epoch RETURNING stock - sold AS left, stock`
    if (!fenced) return undefined
    await tx.$executeRaw`UPDATE orders SET settled_at = now() WHERE sale_id = ${saleId} AND status IN ('CANCELLED', 'REFUNDED') AND settled_at IS NULL`
    return fenced
  })
}
