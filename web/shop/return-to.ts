const KEY = 'seckill.returnTo'

/** For the way back from the payment, which leads to the shop and knows nothing of its sales. Of this tab alone. */
export function rememberSale(saleId: string): void {
  try {
    sessionStorage.setItem(KEY, saleId)
  } catch {
    // Then the way back leads to the list.
  }
}

/** Puts the sale that was left for the payment into an address without one, once. */
export function returnToSale(): void {
  try {
    const saleId = sessionStorage.getItem(KEY)
    sessionStorage.removeItem(KEY)
    if (saleId && location.hash === '') location.replace(`#/${saleId}`)
  } catch {
    // Nothing was remembered.
  }
}
