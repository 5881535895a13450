import { createStore, useStore } from '../shared/store.ts'

const KEY = 'seckill.admin-token'

/** For as long as this tab is open, and for no other one: whoever holds it runs the sale. */
export const adminToken = createStore(fromAddress() ?? sessionStorage.getItem(KEY) ?? '')
adminToken.watch((token) => sessionStorage.setItem(KEY, token))
sessionStorage.setItem(KEY, adminToken.get())
// The link of the start, opened in a tab that shows the page already.
addEventListener('hashchange', () => adminToken.set(fromAddress() ?? adminToken.get()))

export const useToken = () => useStore(adminToken)

/** Takes it out of the address, which people copy and browsers remember. */
function fromAddress(): string | undefined {
  const token = /^#token=([\w-]+)$/.exec(location.hash)?.[1]
  if (token !== undefined) history.replaceState(null, '', location.pathname)
  return token
}
