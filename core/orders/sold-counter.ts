import type { Transaction } from '../platform/database.ts'

/** Units per sale, so that each sale's counter is touched once per batch. */
export function unitsBySale(parts: { saleId: string; quantity: number }[]): Map<string, number> {
  const units = new Map<string, number>()
  for (const { saleId, quantity } of parts) units.set(saleId, (units.get(saleId) ?? 0) + quantity)
  return units
}

/** @throws when a sale would be oversold: the last guard before the table's own CHECK, never to be met. */
export async function countSold(tx: Transaction, units: Map<string, number>): Promise<void> {
  for (const [saleId, quantity] of units) {
    const moved = await tx.$executeRaw`
      UPDATE sales SET sold = sold + ${quantity} WHERE id = ${saleId} AND sold + ${quantity} <= stock`
    if (moved !== 1) throw new Error(`Sale ${saleId} has no room for ${quantity} more units; the batch is rolled back`)
  }
}

export async function countReturned(tx: Transaction, units: Map<string, number>): Promise<void> {
  for (const [saleId, quantity] of units) {
    await tx.$executeRaw`UPDATE sales SET sold = sold - ${quantity} WHERE id = ${saleId}`
  }
}
