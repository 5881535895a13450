import { Prisma, type Transaction } from '../platform/stores/database.ts'

const inSale = (saleId: string) => Prisma.sql`sale_id = ${saleId}`
const ofItsOrders = (saleId: string) => Prisma.sql`order_id IN (SELECT id FROM public.orders WHERE sale_id = ${saleId})`
const ofItsPayments = (saleId: string) =>
  Prisma.sql`payment_id IN (SELECT id FROM public.payments WHERE ${ofItsOrders(saleId)})`

/**
 * The tables that move row by row, and which rows. What refers to a row moves before it, and progress before inbox, as
 * `forgetHandled` locks them.
 */
const TABLES: [table: string, rows: (saleId: string) => Prisma.Sql][] = [
  ['refunds', ofItsPayments],
  ['payments', ofItsOrders],
  ['order_progress', ofItsOrders],
  ['inbox', ofItsOrders],
  ['sagas', inSale],
  ['coupon_entries', inSale],
  ['risk_reviews', inSale],
  ['sale_seconds', inSale],
  ['sale_totals', inSale],
  ['decisions', inSale],
  ['orders', inSale],
  ['sales', (saleId) => Prisma.sql`id = ${saleId}`],
]

/** Moves all rows of the sale. @returns how many. */
export async function moveSale(tx: Transaction, saleId: string): Promise<number> {
  // Before its refunds: money that arrives now waits for the commit, and is then counted in the archive.
  await tx.$executeRaw`SELECT FROM payments WHERE ${ofItsOrders(saleId)} FOR UPDATE`
  let moved = await movePoints(tx, saleId)
  for (const [table, rows] of TABLES) {
    const [from, to] = [Prisma.raw(`public.${table}`), Prisma.raw(`archive.${table}`)]
    moved += await tx.$executeRaw`
      WITH moved AS (DELETE FROM ${from} WHERE ${rows(saleId)} RETURNING *) INSERT INTO ${to} SELECT * FROM moved`
  }
  return moved
}

/**
 * A buyer's points are the sum of their entries: for those that move their sum stays, in one entry per buyer that takes
 * up the one of sales archived before.
 */
async function movePoints(tx: Transaction, saleId: string): Promise<number> {
  const [{ count } = { count: 0 }] = await tx.$queryRaw<{ count: number }[]>`
    WITH moved AS (
      DELETE FROM public.points_entries WHERE sale_id = ${saleId} RETURNING *
    ), archived AS (
      INSERT INTO archive.points_entries SELECT * FROM moved RETURNING id
    ), carried_before AS (
      DELETE FROM public.points_entries WHERE step = 'CARRIED_OVER' AND buyer_id IN (SELECT buyer_id FROM moved)
      RETURNING buyer_id, points
    ), carried AS (
      INSERT INTO public.points_entries (buyer_id, step, points)
      SELECT buyer_id, 'CARRIED_OVER', sum(points)
      FROM (SELECT buyer_id, points FROM moved UNION ALL TABLE carried_before) AS balance
      GROUP BY buyer_id HAVING sum(points) <> 0
    )
    SELECT count(*)::int AS count FROM archived`
  return count
}
