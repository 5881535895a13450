import { useEffect, useState } from 'preact/hooks'

/** One value that parts of the page watch. */
export interface Store<T> {
  get: () => T
  set: (value: T) => void
  /** @returns what ends the watching. */
  watch: (onChange: (value: T) => void) => () => void
}

export function createStore<T>(initial: T): Store<T> {
  let current = initial
  const watchers = new Set<(value: T) => void>()
  return {
    get: () => current,
    set(value) {
      if (Object.is(value, current)) return
      current = value
      for (const tell of watchers) tell(value)
    },
    watch(onChange) {
      watchers.add(onChange)
      return () => {
        watchers.delete(onChange)
      }
    },
  }
}

/** The store's value; the component is drawn anew when it changes. */
export function useStore<T>(store: Store<T>): T {
  const value = store.get()
  const [, drawAnew] = useState({})
  useEffect(() => {
    // It may have changed between the drawing and this.
    if (!Object.is(value, store.get())) drawAnew({})
    return store.watch(() => drawAnew({}))
  }, [store])
  return value
}
