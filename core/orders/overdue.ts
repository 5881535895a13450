import type { Database } from '../platform/stores/database.ts'

/** Ids of unpaid orders whose deadline passed more than `graceMs` ago by the database's clock, oldest first. */
export async function findOverdueOrders(db: Database, graceMs: number, most: number): Promise<string[]> {
  const rows = await db.$queryRaw<{ id: string }[]>`
    SELECT id FROM orders
    WHERE status = 'PENDING_PAYMENT' AND payment_deadline < now() - ${graceMs} * interval '1 ms'
    ORDER BY payment_deadline LIMIT ${most}`
  return rows.map((row) => row.id)
}
