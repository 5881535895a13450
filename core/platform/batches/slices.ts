/** The items in their order, in pieces of at most `most`. */
export function slicesOf<Item>(items: Item[], most: number): Item[][] {
  return Array.from({ length: Math.ceil(items.length / most) }, (_, i) => items.slice(i * most, (i + 1) * most))
}
