/** Lock the sale's row, read, write: correct, and the buyers of a sale are served one after another. */
import { database } from './database.ts'
import { newOrder, type Purchase, type PurchaseOutcome, serve } from './frame.ts'

interface LockedSale {
  left: number
  priceCents: number
  isOpen: boolean
}

async function buy(purchase: Purchase): Promise<PurchaseOutcome> {
  const { saleId, quantity } = purchase
  return database.$transaction(async (transaction): Promise<PurchaseOutcome> => {
    const [sale] = await transaction.$queryRaw<LockedSale[]>`
      SELECT stock - sold AS "left", price_cents AS "priceCents", now() BETWEEN opens_at AND closes_at AS "isOpen"
      FROM sales WHERE id = ${saleId} FOR UPDATE`
    if (!sale?.isOpen) return { status: 'NOT_OPEN' }
    if (sale.left < quantity) return { status: 'SOLD_OUT' }
    await transaction.sale.update({ where: { id: saleId }, data: { sold: { increment: quantity } } })
    const order = await transaction.order.create({ data: newOrder(purchase, sale.priceCents) })
    return { status: 'ORDERED', orderId: order.id }
  })
}

serve({ buy })
