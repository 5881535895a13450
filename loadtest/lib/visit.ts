import exec from 'k6/execution'
import { askAgain, attempt, buyUpToLimit, reportAnswer } from './attempt.ts'
import { type Buyer, newBuyer } from './buyer.ts'
import { awaitOrder, pay } from './follow.ts'
import type { Sale } from './sale.ts'
import { listSales, readSale } from './shop.ts'

/** Reads the list of sales and the units left. */
export function browse(sale: Sale): void {
  const list = listSales()
  if (list.status !== 200) reportAnswer(list)
  const view = readSale(sale.id)
  const left = Number(view.json('left'))
  if (view.status !== 200 || !(left >= 0 && left <= sale.stock)) reportAnswer(view)
}

interface Bought {
  buyer: Buyer
  reservationId: string
  orderId: string
}

/** A new buyer's purchase up to the order; undefined when the attempt was refused. */
export function buyNew(sale: Sale): Bought | undefined {
  const buyer = newBuyer(sale.id)
  const attempted = attempt(sale.id, buyer)
  if (attempted.outcome !== 'ACCEPTED') return undefined
  const orderId = awaitOrder(attempted, buyer)
  return orderId ? { buyer, reservationId: attempted.reservationId, orderId } : undefined
}

/** An ordinary buyer: browses, buys, repeats the request; every second one pays, every fifth buys up to the limit. */
export function visit(sale: Sale): void {
  browse(sale)
  const number = exec.scenario.iterationInTest
  const bought = buyNew(sale)
  if (!bought) return
  askAgain(sale.id, bought.buyer, bought.reservationId)
  if (number % 5 === 0) buyUpToLimit(sale.id, bought.buyer)
  if (number % 2 === 0) pay(bought.orderId, bought.buyer)
}
