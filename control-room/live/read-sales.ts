import type { LiveSale } from '../../core/contracts/control-room.ts'
import type { Stock } from '../../core/stock/stock.ts'
import { roomOf } from '../../core/waiting-room/room-rules.ts'
import type { WaitingRoom } from '../../core/waiting-room/waiting-room.ts'

/** More do not fit on a screen; those that end next are shown, as the open ones do. */
const SHOWN_MAX = 20

export async function readSales(stock: Stock, room: WaitingRoom): Promise<LiveSale[]> {
  const saleIds = await stock.loaded.nextSaleIds(SHOWN_MAX)
  const sales = await Promise.all(
    saleIds.map(async (saleId): Promise<LiveSale | undefined> => {
      const sale = await stock.readSale(saleId)
      if (!sale) return undefined
      const { title, total, left, opensAtMs, closesAtMs, isStopped = false } = sale
      const waiting = await stock.countWaiting(saleId, sale.shards)
      const line = roomOf(sale.opening) && (await room.readCounts(saleId))
      return { saleId, title, stock: total, left, ...waiting, opensAtMs, closesAtMs, isStopped, ...(line && { line }) }
    }),
  )
  return sales.filter((sale) => sale !== undefined)
}
