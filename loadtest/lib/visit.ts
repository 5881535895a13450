import exec from 'k6/execution'
import { askAgain, attempt, reportAnswer } from './attempt.ts'
import { newBuyer } from './buyer.ts'
import { awaitOrder, pay } from './follow.ts'
import type { Sale } from './sale.ts'
import { listSales, readSale } from './shop.ts'

/** Looks around: what is on sale, and how many are left. */
export function browse(sale: Sale): void {
  const list = listSales()
  if (list.status !== 200) reportAnswer(list)
  const view = readSale(sale.id)
  const left = Number(view.json('left'))
  if (view.status !== 200 || !(left >= 0 && left <= sale.stock)) reportAnswer(view)
}

/** An ordinary buyer: looks, buys, presses the button twice, waits for the order. Every second one pays. */
export function visit(sale: Sale): void {
  browse(sale)
  const buyer = newBuyer(sale.id)
  const attempted = attempt(sale.id, buyer)
  if (attempted.outcome !== 'ACCEPTED') return
  askAgain(sale.id, buyer, attempted.reservationId)
  const orderId = awaitOrder(attempted, buyer)
  if (orderId && exec.scenario.iterationInTest % 2 === 0) pay(orderId, buyer)
}
