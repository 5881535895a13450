import { waitToDelete } from '../orders/inbox.ts'
import { Prisma, type Transaction } from '../platform/stores/database.ts'

/** Moves the sale's own row, from which on the sale counts as archived. */
export const moveSaleRow = (tx: Transaction, saleId: string): Promise<number> =>
  move(tx, 'sales', Prisma.sql`id = ${saleId}`)

export interface MovedBatch {
  rows: number
  /** The last reservation that it has moved; undefined when none was left. */
  last: string | undefined
}

/**
 * Moves the next decisions of the sale, in the order of their reservations, with their orders and all that belongs to
 * these. What refers to a row moves before it.
 */
export async function moveBatch(tx: Transaction, saleId: string, after: string, most: number): Promise<MovedBatch> {
  // A second archiver of the sale waits, and finds the next ones.
  await tx.$executeRaw`SELECT FROM archive.sales WHERE id = ${saleId} FOR UPDATE`
  const decided = await tx.$queryRaw<{ reservationId: string; orderId: string | null }[]>`
    SELECT d.reservation_id AS "reservationId", o.id AS "orderId"
    FROM public.decisions d LEFT JOIN public.orders o ON o.reservation_id = d.reservation_id
    WHERE d.sale_id = ${saleId} AND d.reservation_id > ${after} ORDER BY d.reservation_id LIMIT ${most}`
  const orderIds = decided.flatMap(({ orderId }) => orderId ?? [])
  const ofOrders = Prisma.sql`order_id = ANY(${orderIds}::uuid[])`
  // Before the refunds: money that arrives now waits for the commit, and is then counted in the archive. Sorted as money
  // locks payments, against deadlocks.
  await tx.$executeRaw`SELECT FROM public.payments WHERE ${ofOrders} ORDER BY order_id FOR UPDATE`
  let rows = await move(tx, 'refunds', Prisma.sql`payment_id IN (SELECT id FROM public.payments WHERE ${ofOrders})`)
  rows += await move(tx, 'payments', ofOrders)
  await waitToDelete(tx)
  // The index begins with the name. Entries of a subscriber that was removed stay until `forgetHandled` deletes them.
  rows += await move(tx, 'inbox', Prisma.sql`purpose IN (SELECT name FROM subscriptions) AND ${ofOrders}`)
  rows += await moveEffects(tx, ofOrders)
  rows += await move(tx, 'orders', Prisma.sql`id = ANY(${orderIds}::uuid[])`)
  const reservationIds = decided.map(({ reservationId }) => reservationId)
  rows += await move(tx, 'decisions', Prisma.sql`reservation_id = ANY(${reservationIds})`)
  return { rows, last: reservationIds.at(-1) }
}

/** Moves what belongs to the sale and to none of its orders, and notes that the archive has all of it. */
export async function moveRest(tx: Transaction, saleId: string): Promise<number> {
  const ofSale = Prisma.sql`sale_id = ${saleId}`
  let rows = await moveEffects(tx, ofSale)
  for (const table of ['sale_seconds', 'sale_totals']) rows += await move(tx, table, ofSale)
  await tx.$executeRaw`UPDATE archive.sales SET archived_at = now() WHERE id = ${saleId}`
  return rows
}

async function moveEffects(tx: Transaction, which: Prisma.Sql): Promise<number> {
  let rows = await movePoints(tx, which)
  for (const table of ['sagas', 'coupon_entries', 'risk_reviews']) rows += await move(tx, table, which)
  return rows
}

/** @returns how many rows */
async function move(tx: Transaction, table: string, which: Prisma.Sql): Promise<number> {
  const [from, to] = [Prisma.raw(`public.${table}`), Prisma.raw(`archive.${table}`)]
  return await tx.$executeRaw`
    WITH moved AS (DELETE FROM ${from} WHERE ${which} RETURNING *) INSERT INTO ${to} SELECT * FROM moved`
}

/**
 * A buyer's points are the sum of their entries: for those that move their sum stays, in one entry per buyer that takes
 * up the one of sales archived before.
 */
async function movePoints(tx: Transaction, which: Prisma.Sql): Promise<number> {
  const [{ count } = { count: 0 }] = await tx.$queryRaw<{ count: number }[]>`
    WITH moved AS (
      DELETE FROM public.points_entries WHERE ${which} RETURNING *
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
