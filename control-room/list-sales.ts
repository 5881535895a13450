import { z } from 'zod'
import type { Database, Sale } from '../core/platform/stores/database.ts'

/** Where a page of the list ends; what a Date can hold. */
export const SalePlace = z.tuple([z.int().min(-8.64e15).max(8.64e15), z.string()])
export const salePlace = ({ opensAt, id }: Sale): z.output<typeof SalePlace> => [opensAt.getTime(), id]

/** Sales after that place, those that open last first; at most `most`. */
export async function listSales(
  database: Database,
  after: z.output<typeof SalePlace> | undefined,
  most: number,
): Promise<Sale[]> {
  const opensAt = new Date(after?.[0] ?? 0)
  return database.sale.findMany({
    ...(after && { where: { OR: [{ opensAt: { lt: opensAt } }, { opensAt, id: { lt: after[1] } }] } }),
    orderBy: [{ opensAt: 'desc' }, { id: 'desc' }],
    take: most,
  })
}
