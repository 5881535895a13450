/** The stock in the WHERE of the UPDATE: no read before the write, so the row lock is held for one round trip less. */
import { database } from './database.ts'
import { whenCreated } from './effects.ts'
import { newOrder, type Purchase, type PurchaseOutcome, serve } from './frame.ts'

async function buy(purchase: Purchase): Promise<PurchaseOutcome> {
  const { saleId, quantity } = purchase
  return database.$transaction(async (transaction): Promise<PurchaseOutcome> => {
    const [sale] = await transaction.$queryRaw<{ priceCents: number }[]>`
      UPDATE sales SET sold = sold + ${quantity}
      WHERE id = ${saleId} AND sold + ${quantity} <= stock AND now() BETWEEN opens_at AND closes_at
      RETURNING price_cents AS "priceCents"`
    if (!sale) return { status: 'SOLD_OUT' }
    const order = await transaction.order.create({ data: newOrder(purchase, sale.priceCents) })
    await whenCreated(transaction, order)
    return { status: 'ORDERED', orderId: order.id }
  })
}

serve({ buy })
