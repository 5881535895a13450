import { createStore, useStore } from '../shared/store.ts'

const KEY = 'seckill.admin-token'

/** Kept for this tab only, while it is open: the token's holder runs the sale. */
export const adminToken = createStore(fromAddress() ?? kept())
adminToken.watch(keep)
keep(adminToken.get())
// The link of the start, opened in a tab that shows the page already.
addEventListener('hashchange', () => adminToken.set(fromAddress() ?? adminToken.get()))

export const useToken = () => useStore(adminToken)

function kept(): string {
  try {
    return sessionStorage.getItem(KEY) ?? ''
  } catch {
    return ''
  }
}

/** A browser that keeps nothing asks for it again after a reload. */
function keep(token: string): void {
  try {
    sessionStorage.setItem(KEY, token)
  } catch {
    // The page works without.
  }
}

/** Takes it out of the address, which people copy and browsers remember. */
function fromAddress(): string | undefined {
  const token = /^#token=([\w-]+)$/.exec(location.hash)?.[1]
  if (token !== undefined) history.replaceState(null, '', location.pathname)
  return token
}
