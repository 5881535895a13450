const KEY = 'seckill.returnTo'

/** The payment page leads back to the shop, but not to the sale. Kept for this tab alone. */
export function rememberSale(saleId: string): void {
  try {
    sessionStorage.setItem(KEY, saleId)
  } catch {
    // Storage is blocked: the buyer returns to the list.
  }
}

/** Puts the sale that was left for the payment into an address without one, once. */
export function returnToSale(): void {
  try {
    const saleId = sessionStorage.getItem(KEY)
    sessionStorage.removeItem(KEY)
    if (saleId && location.hash === '') location.replace(`#/${saleId}`)
  } catch {
    // Storage is blocked: nothing was remembered.
  }
}
