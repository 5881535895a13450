import { createStore, type Store } from './store.ts'

type Place = 'localStorage' | 'sessionStorage'

/**
 * A store whose value is kept in localStorage and shared with the other tabs, or in sessionStorage for this tab alone.
 * `read` makes a value of what was kept, which the user may have altered; a browser that keeps nothing (private windows
 * may throw) has it for as long as the page lives.
 */
export function remembered<T extends string>(
  key: string,
  read: (kept: string | null) => T,
  place: Place = 'localStorage',
): Store<T> {
  const store = createStore(read(keptAt(place, key)))
  store.watch((value) => keep(place, key, value))
  addEventListener('storage', (event) => {
    // Not the event's own value: this tab may have written a newer one before it heard of that, and would write the old
    // one back.
    if (event.key === key || event.key === null) store.set(read(keptAt(place, key)))
  })
  return store
}

function keptAt(place: Place, key: string): string | null {
  try {
    return window[place].getItem(key)
  } catch {
    return null
  }
}

/** An empty text is not kept. */
function keep(place: Place, key: string, value: string): void {
  try {
    const storage = window[place]
    if (value === '') storage.removeItem(key)
    else if (storage.getItem(key) !== value) storage.setItem(key, value)
  } catch {
    // Nothing is kept; the page works without.
  }
}
