import { useEffect } from 'preact/hooks'
import { type Answer, ask } from '../shared/api.ts'
import { createStore, useStore } from '../shared/store.ts'
import { type SaleList, type SaleView, saleClock } from './contract.ts'

/** The gateway itself refreshes once a second. */
const POLL_MS = 1_500

interface Known {
  /** Undefined until the first answer. */
  sales?: SaleView[]
  /** There are more than are shown. */
  hasMore: boolean
  /** The latest request failed. */
  isLost: boolean
}

const known = createStore<Known>({ hasMore: false, isLost: false })

let pages = 1
/** The buyer's; absent when signed out. */
let token: string | undefined

async function refresh(): Promise<void> {
  const found = await readSales()
  known.set(found ? { ...found, isLost: false } : { ...known.get(), isLost: true })
}

/**
 * The pages of the list that are shown, and the sale that the address names, wherever it stands; undefined without an
 * answer.
 */
async function readSales(): Promise<(Pick<Known, 'hasMore'> & { sales: SaleView[] }) | undefined> {
  const sales = new Map<string, SaleView>()
  let next: string | undefined = ''
  for (let page = 0; page < pages && next !== undefined; page++) {
    const answer: Answer<SaleList> = await ask<SaleList>(next === '' ? '/sales' : `/sales?cursor=${next}`, {
      clock: saleClock,
      token,
    })
    if (!answer.ok) return undefined
    for (const sale of answer.body.sales) sales.set(sale.id, sale)
    next = answer.body.next
  }
  const saleId = saleInAddress()
  if (next !== undefined && saleId !== '' && !sales.has(saleId)) {
    const one = await ask<SaleView>(`/sales/${saleId}`, { token })
    if (one.ok) sales.set(saleId, one.body)
  }
  return { sales: [...sales.values()], hasMore: next !== undefined }
}

/** Shows a page more of the list, from now on. */
export async function showMore(): Promise<void> {
  pages += 1
  await refresh()
}

/** The sale that the address names, '' for none. */
export const saleInAddress = () => /^#\/([a-z0-9-]+)$/.exec(location.hash)?.[1] ?? ''

/** The sales, polled while the page is visible. */
export function useSales(buyerToken: string | undefined): Known {
  useEffect(() => {
    token = buyerToken
    let isOver = false
    async function poll(): Promise<void> {
      while (!isOver) {
        if (!document.hidden || known.get().sales === undefined) await refresh()
        await new Promise((resolve) => {
          setTimeout(resolve, POLL_MS)
        })
      }
    }
    void poll()
    return () => {
      isOver = true
    }
  }, [buyerToken])
  return useStore(known)
}

/**
 * The sale that the address names, '' for none. Never another one in its place: a new sale is missing from the list for
 * a second.
 */
export function chosenOf(sales: SaleView[], saleId: string): SaleView | undefined {
  if (saleId === '' && sales.length === 1) return sales[0]
  return sales.find(({ id }) => id === saleId)
}

export type SaleState = 'SOON' | 'OPEN' | 'STOPPED' | 'SOLD_OUT' | 'OVER'

export function saleStateOf(
  sale: Pick<SaleView, 'opensAt' | 'closesAt' | 'left' | 'isStopped'>,
  nowMs: number,
): SaleState {
  if (nowMs < Date.parse(sale.opensAt)) return 'SOON'
  if (nowMs >= Date.parse(sale.closesAt)) return 'OVER'
  if (sale.isStopped) return 'STOPPED'
  return sale.left > 0 ? 'OPEN' : 'SOLD_OUT'
}
