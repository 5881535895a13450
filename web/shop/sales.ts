import { useEffect } from 'preact/hooks'
import { ask } from '../shared/api.ts'
import { createStore, useStore } from '../shared/store.ts'
import { type SaleView, saleClock } from './contract.ts'

/** The gateway itself looks once a second. */
const LOOK_MS = 1_500

interface Known {
  /** Undefined until the first answer. */
  sales?: SaleView[]
  /** The latest question was not answered. */
  isLost: boolean
}

const known = createStore<Known>({ isLost: false })

async function look(): Promise<void> {
  const answer = await ask<{ sales: SaleView[] }>('/sales', { clock: saleClock })
  known.set(answer.ok ? { sales: answer.body.sales, isLost: false } : { ...known.get(), isLost: true })
}

/** The sales, looked at again and again while the page is. */
export function useSales(): Known {
  useEffect(() => {
    let isOver = false
    async function keepLooking(): Promise<void> {
      while (!isOver) {
        if (!document.hidden || known.get().sales === undefined) await look()
        await new Promise((resolve) => { setTimeout(resolve, LOOK_MS) })
      }
    }
    void keepLooking()
    return () => { isOver = true }
  }, [])
  return useStore(known)
}

/** The sale that the address names, '' for none. Never another one in its place: a sale that is new is not in the list for a second. */
export function chosenOf(sales: SaleView[], saleId: string): SaleView | undefined {
  if (saleId === '' && sales.length === 1) return sales[0]
  return sales.find(({ id }) => id === saleId)
}

export type Door = 'SOON' | 'OPEN' | 'SOLD_OUT' | 'OVER'

export function doorOf(sale: SaleView, nowMs: number): Door {
  if (nowMs < Date.parse(sale.opensAt)) return 'SOON'
  if (nowMs >= Date.parse(sale.closesAt)) return 'OVER'
  return sale.left > 0 ? 'OPEN' : 'SOLD_OUT'
}
