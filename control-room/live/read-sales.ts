import type { LiveSale } from '../../core/contracts/control-room.ts'
import type { Stock } from '../../core/stock/stock.ts'

/** More do not fit on a screen; those that end last are shown. */
const SHOWN_MAX = 20

export async function readSales(stock: Stock): Promise<LiveSale[]> {
  const saleIds = await stock.lastSaleIds(SHOWN_MAX)
  const sales = await Promise.all(
    saleIds.map(async (saleId): Promise<LiveSale | undefined> => {
      const [sale, pending, undecided] = await Promise.all([
        stock.readSale(saleId),
        stock.countPending(saleId),
        stock.countUndecided(saleId),
      ])
      return (
        sale && {
          saleId,
          title: sale.title,
          stock: sale.total,
          left: sale.left,
          pending,
          undecided,
          opensAtMs: sale.opensAtMs,
          closesAtMs: sale.closesAtMs,
        }
      )
    }),
  )
  return sales.filter((sale) => sale !== undefined)
}
