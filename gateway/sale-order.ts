import type { SaleFigures } from '../core/stock/sale-figures.ts'

type Window = Pick<SaleFigures, 'saleId' | 'opensAtMs' | 'closesAtMs'>

/** Sort key of a sale in the list. */
export type Place = [isOver: number, time: number, saleId: string]

/**
 * Open and coming sales first, by their opening; then ended ones, the latest first. It changes only when a sale ends:
 * one that opens keeps its place, so that no page of the list misses it.
 */
export function placeOf({ saleId, opensAtMs, closesAtMs }: Window, nowMs: number): Place {
  return closesAtMs > nowMs ? [0, opensAtMs, saleId] : [1, -closesAtMs, saleId]
}

function comparePlaces(one: Place, other: Place): number {
  return one[0] - other[0] || one[1] - other[1] || (one[2] < other[2] ? -1 : one[2] > other[2] ? 1 : 0)
}

/** The order of the sales, and until when it holds, in ms since 1970. */
export function inOrder(sales: Window[], nowMs: number): { saleIds: string[]; untilMs: number } {
  const places = sales.map((sale) => placeOf(sale, nowMs)).sort(comparePlaces)
  const untilMs = sales.reduce(
    (next, { closesAtMs }) => (closesAtMs > nowMs ? Math.min(next, closesAtMs) : next),
    Infinity,
  )
  return { saleIds: places.map(([, , saleId]) => saleId), untilMs }
}

/** By bisection: index of the first of `count` places in order that comes after `after`; `count` when none does. */
export function firstAfter(after: Place, count: number, placeAt: (i: number) => Place): number {
  let [low, high] = [0, count]
  while (low < high) {
    const middle = (low + high) >> 1
    if (comparePlaces(placeAt(middle), after) > 0) high = middle
    else low = middle + 1
  }
  return low
}
