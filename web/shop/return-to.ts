import { remembered } from '../shared/remembered.ts'

/** The payment page leads back to the shop, but not to the sale. Kept for this tab alone. */
const leftSale = remembered('seckill.returnTo', (kept) => kept ?? '', 'sessionStorage')

export const rememberSale = leftSale.set

/** Puts the sale that was left for the payment into an address without one, once. */
export function returnToSale(): void {
  const saleId = leftSale.get()
  leftSale.set('')
  if (saleId !== '' && location.hash === '') location.replace(`#/${saleId}`)
}
