import type { Sale, Transaction } from '../platform/stores/database.ts'
import type { HeldUnits } from '../stock/read-held.ts'
import { ledgersOf } from '../stock/shards.ts'
import type { RebuildDeps } from './close-sale.ts'
import { lockFigures } from './lock-figures.ts'

/**
 * Fences some shards of a sale, as `fenceSale` does a whole one; the others are open and go on selling. Units that are
 * neither sold nor theirs are free. What the others have is read under the lock of the sale's row, so that no order is
 * placed or ends meanwhile: a unit there is left, or undecided, or sold, or comes back from an ended order.
 * @returns units left, and of how many, for these shards together. @throws when one of the others is not open any more
 */
export async function fenceShards(
  { database, saleAdmin }: RebuildDeps,
  { id, epoch, shards }: Pick<Sale, 'id' | 'epoch' | 'shards'>,
  rebuilt: number[],
): Promise<{ left: number; stock: number } | undefined> {
  const others = ledgersOf(id, shards).filter((_, shard) => !rebuilt.includes(shard))
  return database.$transaction(async (tx) => {
    // A stock that is changed meanwhile would be counted in part.
    await lockFigures(tx, id)
    const [fenced] = await tx.$queryRaw<{ left: number; stock: number }[]>`
      UPDATE sales SET fenced_epoch = epoch, shard_fences = ARRAY(
        SELECT CASE WHEN shard = ANY(${rebuilt}::int[]) THEN epoch ELSE coalesce(shard_fences[shard + 1], fenced_epoch) END
        FROM generate_series(0, shards - 1) AS shard ORDER BY shard)
      WHERE id = ${id} AND epoch = ${epoch} AND fenced_epoch < epoch
      RETURNING stock - sold AS left, stock`
    if (!fenced) return undefined
    const unsettled = await settleEndedOf(tx, id, rebuilt)
    const held = await saleAdmin.readHeld(others, epoch)
    if (!held) throw new Error(`A shard of ${id} was lost while others were rebuilt`)
    const free = fenced.left - unsettled - held.left - (await undecidedUnits(tx, held))
    return { left: Math.max(0, free), stock: Math.max(0, fenced.stock - held.total) }
  })
}

/**
 * Marks ended orders of these shards as settled. @returns units of those of the others that are not: they come back
 * where they were taken
 */
async function settleEndedOf(tx: Transaction, saleId: string, rebuilt: number[]): Promise<number> {
  const [others] = await tx.$queryRaw<{ units: number }[]>`
    WITH ended AS (
      SELECT id, quantity, CASE split_part(reservation_id, '.', 3)
        WHEN '' THEN 0 ELSE split_part(reservation_id, '.', 2)::int END = ANY(${rebuilt}::int[]) AS is_rebuilt
      FROM orders WHERE sale_id = ${saleId} AND status IN ('CANCELLED', 'REFUNDED') AND settled_at IS NULL
    ), settled AS (
      UPDATE orders SET settled_at = now() WHERE id IN (SELECT id FROM ended WHERE is_rebuilt)
    )
    SELECT coalesce(sum(quantity), 0)::int AS units FROM ended WHERE NOT is_rebuilt`
  return others?.units ?? 0
}

/** Units of the reservations that have become no order: the others are sold. */
async function undecidedUnits(tx: Transaction, { undecided }: HeldUnits): Promise<number> {
  const ids = undecided.map(({ reservationId }) => reservationId)
  const rows = await tx.$queryRaw<{ id: string }[]>`
    SELECT reservation_id AS id FROM orders WHERE reservation_id = ANY(${ids}::text[])`
  const ordered = new Set(rows.map(({ id }) => id))
  return undecided.reduce((sum, { reservationId, quantity }) => sum + (ordered.has(reservationId) ? 0 : quantity), 0)
}
