import { createHash } from 'node:crypto'

/** @returns `count` of the items, the same for the same seed and names, in any order. */
export function draw<Item>(
  items: readonly Item[],
  count: number,
  seed: string,
  nameOf: (item: Item) => string,
): Item[] {
  const lot = (item: Item) => createHash('sha256').update(seed).update(nameOf(item)).digest('hex')
  return items.toSorted((one, other) => lot(one).localeCompare(lot(other))).slice(0, count)
}
