/** Runs the work for 0 … count-1, at most `concurrency` at a time. @returns the results in order */
export async function inParallel<T>(count: number, concurrency: number, work: (i: number) => Promise<T>): Promise<T[]> {
  const results: T[] = []
  let next = 0
  const runner = async () => {
    for (let i = next++; i < count; i = next++) results[i] = await work(i)
  }
  await Promise.all(Array.from({ length: concurrency }, runner))
  return results
}
