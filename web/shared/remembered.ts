import { createStore, type Store } from './store.ts'

/**
 * A store whose value is kept in localStorage and shared with the other tabs. `read` makes a value of what was kept,
 * which the user may have altered; a browser that keeps nothing (private windows may throw) has it for as long as the
 * page lives.
 */
export function remembered<T extends string>(key: string, read: (kept: string | null) => T): Store<T> {
  const store = createStore(read(keptAt(key)))
  store.watch((value) => keep(key, value))
  addEventListener('storage', (event) => {
    // Not the event's own value: this tab may have written a newer one before it heard of that, and would write the old
    // one back.
    if (event.key === key || event.key === null) store.set(read(keptAt(key)))
  })
  return store
}

function keptAt(key: string): string | null {
  try {
    return localStorage.getItem(key)
  } catch {
    return null
  }
}

/** An empty text is not kept. */
function keep(key: string, value: string): void {
  try {
    if (value === '') localStorage.removeItem(key)
    else if (localStorage.getItem(key) !== value) localStorage.setItem(key, value)
  } catch {
    // Nothing is kept; the page works without.
  }
}
