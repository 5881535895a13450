import type { Database } from '../platform/stores/database.ts'

/**
 * Fences a sale: from here on no reservation of an earlier epoch becomes an order, so that every unit that is not sold
 * now is free for good. Ended orders that are not settled are marked as settled, because their units are among the free
 * ones; orders that end from here on are settled once the sale is open.
 * @returns units left, and of how many; undefined when this epoch was fenced before, or is not the sale's any more.
 */
export async function fenceSale(
  database: Database,
  saleId: string,
  epoch: number,
): Promise<{ left: number; stock: number } | undefined> {
  return database.$transaction(async (tx) => {
    // Placing and ending orders lock the sale's row first, so that neither happens meanwhile.
    const [fenced] = await tx.$queryRaw<{ left: number; stock: number }[]>`
      UPDATE sales SET fenced_epoch = epoch, shard_fences = '{}'
      WHERE id = ${saleId} AND epoch = ${epoch} AND fenced_epoch < epoch
      RETURNING stock - sold AS left, stock`
    if (!fenced) return undefined
    await tx.$executeRaw`
      UPDATE orders SET settled_at = now()
      WHERE sale_id = ${saleId} AND status IN ('CANCELLED', 'REFUNDED') AND settled_at IS NULL`
    return fenced
  })
}
