/** Time spent on failing attempts after which a server is presumed down: further attempts would only wait for it. */
const FAILING_MAX_MS = 10_000
const NAMED_IN_ERROR_MAX = 5

/**
 * Runs the work for each item, one after the other; a failing item does not stop the others.
 * @throws at the end, naming items that failed, with the first error as its cause
 */
export async function attemptEach<Item extends { id: string }>(
  items: Item[],
  work: (item: Item, index: number) => Promise<unknown>,
): Promise<void> {
  const failures: { id: string; error: unknown }[] = []
  let failingMs = 0
  for (const [i, item] of items.entries()) {
    const beganAtMs = performance.now()
    try {
      await work(item, i)
    } catch (error) {
      failures.push({ id: item.id, error })
      failingMs += performance.now() - beganAtMs
      if (failingMs > FAILING_MAX_MS) break
    }
  }
  if (failures.length === 0) return
  const named = failures
    .slice(0, NAMED_IN_ERROR_MAX)
    .map(({ id }) => id)
    .join(', ')
  throw new Error(`failed for ${failures.length} of ${items.length}, among them ${named}`, {
    cause: failures[0]?.error,
  })
}
