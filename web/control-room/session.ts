import { remembered } from '../shared/remembered.ts'
import { useStore } from '../shared/store.ts'

/** Kept for this tab only, while it is open: the token's holder runs the sale. */
export const adminToken = remembered('seckill.admin-token', (kept) => kept ?? '', 'sessionStorage')
export const useToken = () => useStore(adminToken)

/** Stands in the log of changes: all operators share one token. */
export const operatorName = remembered('seckill.operator', (kept) => kept ?? '')
export const useOperatorName = () => useStore(operatorName)

/** Takes the token out of the address, which people copy and browsers remember. */
function takeFromAddress(): void {
  const token = /^#token=([\w-]+)$/.exec(location.hash)?.[1]
  if (token === undefined) return
  history.replaceState(null, '', location.pathname)
  adminToken.set(token)
}
takeFromAddress()
// The link of the start, opened in a tab that shows the page already.
addEventListener('hashchange', takeFromAddress)
