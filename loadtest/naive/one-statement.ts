/**
 * One prepared statement without Prisma: one round trip, and the lock is held only while PostgreSQL commits.
 */
import { Pool } from 'pg'
import { newOrder, type Purchase, type PurchaseOutcome, serve } from './frame.ts'

const pool = new Pool({ connectionString: process.env.DATABASE_URL, max: 10 })

const BUY = {
  name: 'buy',
  text: `
    WITH taken AS (
      UPDATE sales SET sold = sold + $5
      WHERE id = $3 AND sold + $5 <= stock AND now() BETWEEN opens_at AND closes_at
      RETURNING price_cents
    )
    INSERT INTO orders (id, reservation_id, sale_id, buyer_id, quantity, amount_cents, payment_deadline)
    SELECT $1, $2, $3, $4, $5, $5 * price_cents, $6 FROM taken
    RETURNING id`,
}

async function buy(purchase: Purchase): Promise<PurchaseOutcome> {
  const { id, reservationId, saleId, buyerId, quantity, paymentDeadline } = newOrder(purchase, 0)
  const { rowCount } = await pool.query({
    ...BUY,
    values: [id, reservationId, saleId, buyerId, quantity, paymentDeadline],
  })
  return rowCount === 1 ? { status: 'ORDERED', orderId: id } : { status: 'SOLD_OUT' }
}

serve({ buy })
