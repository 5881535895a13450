import type { Transaction } from '../platform/stores/database.ts'

/**
 * Gives units of ended orders back to the counters of their sales; `recordVerdicts` takes them.
 */
export async function countReturned(tx: Transaction, orders: { saleId: string; quantity: number }[]): Promise<void> {
  await tx.$executeRaw`
    UPDATE sales SET sold = sold - units, returned = returned + units
    FROM (
      SELECT sale_id, sum(quantity)::int AS units
      FROM unnest(
        ${orders.map((order) => order.saleId)}::text[], ${orders.map((order) => order.quantity)}::int[]
      ) AS returned (sale_id, quantity)
      GROUP BY sale_id
    ) AS by_sale WHERE id = sale_id`
}
