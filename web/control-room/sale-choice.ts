import { createStore, useStore } from '../shared/store.ts'
import type { LiveFrame, LiveSale } from '../../core/contracts/control-room.ts'
import { useFrames } from './live.ts'

/** The sale whose stock and orders are shown; empty for whichever is the most interesting. */
export const chosenSale = createStore('')
export const useChosenSale = () => useStore(chosenSale)

/**
 * The latest frame that knows the sales: while Redis is away, the orders of the one that is shown are still
 * PostgreSQL's to tell.
 */
export const useFrameWithSales = () => useFrames().findLast(({ sales }) => sales !== null)
export const useShownSale = () => saleOf(useFrameWithSales(), useChosenSale())

/** The chosen one, else that of the last crowd, else the one that was opened last. */
export function saleOf(frame: LiveFrame | undefined, chosen: string): LiveSale | undefined {
  const sales = frame?.sales ?? []
  const byId = (saleId: string | undefined) => sales.find((sale) => sale.saleId === saleId)
  return (
    byId(chosen) ?? byId(frame?.crowd?.saleId) ?? [...sales].sort((one, other) => other.opensAtMs - one.opensAtMs)[0]
  )
}
