import type { SaleView } from './contract.ts'
import { saleStateOf } from './sales.ts'

/** When a sale is, as its visitor's calendar has it. */
export type Day = 'NOW' | 'TODAY' | 'TOMORROW' | 'LATER' | 'OVER'
const DAYS: Day[] = ['NOW', 'TODAY', 'TOMORROW', 'LATER', 'OVER']

/** The sales by day, in the order of the days and without empty ones; within a day in the order they came in. */
export function byDay<Sale extends Pick<SaleView, 'opensAt' | 'closesAt' | 'left' | 'isStopped'>>(
  sales: Sale[],
  nowMs: number,
): { day: Day; sales: Sale[] }[] {
  return DAYS.map((day) => ({ day, sales: sales.filter((sale) => dayOf(sale, nowMs) === day) })).filter(
    ({ sales: ofDay }) => ofDay.length > 0,
  )
}

function dayOf(sale: Pick<SaleView, 'opensAt' | 'closesAt' | 'left' | 'isStopped'>, nowMs: number): Day {
  const state = saleStateOf(sale, nowMs)
  if (state === 'OVER') return 'OVER'
  if (state !== 'SOON') return 'NOW'
  const opensAtMs = Date.parse(sale.opensAt)
  if (opensAtMs < midnightAfter(nowMs, 1)) return 'TODAY'
  return opensAtMs < midnightAfter(nowMs, 2) ? 'TOMORROW' : 'LATER'
}

/** In the time zone of this browser; by the calendar, since a day may have 23 or 25 hours. */
function midnightAfter(nowMs: number, days: number): number {
  const now = new Date(nowMs)
  return new Date(now.getFullYear(), now.getMonth(), now.getDate() + days).getTime()
}
