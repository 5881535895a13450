import { setTimeout as sleep } from 'node:timers/promises'

/** Something that can be looked at; null when it does not answer. */
export interface Source<T> {
  sample: () => Promise<T | null>
}

type Samples<Sources> = { [Name in keyof Sources]: Sources[Name] extends Source<infer T> ? T | null : never }

export async function sampleAll<Sources extends Record<string, Source<unknown>>>(
  sources: Sources,
): Promise<Samples<Sources>> {
  const samples = Object.entries(sources).map(async ([name, source]) => [name, await source.sample()])
  return Object.fromEntries(await Promise.all(samples)) as Samples<Sources>
}

/**
 * Asked anew with every sample, unless the answer to the last question is still awaited: a server that is slow is not
 * asked twice. What comes later than `waitMs` is the next sample's.
 */
export function promptly<T>(waitMs: number, read: () => Promise<T | null>): Source<T> {
  let inHand: Promise<T | null> | undefined
  return {
    async sample() {
      inHand ??= read()
        .catch(() => null)
        .finally(() => {
          inHand = undefined
        })
      const tooLate = new AbortController()
      return await Promise.race([inHand, sleep(waitMs, null, { signal: tooLate.signal }).catch(() => null)]).finally(
        () => tooLate.abort(),
      )
    },
  }
}

/** For what costs something: at most every `everyMs`, and for `shareMax` of the time. A sample shows the last answer. */
export function sparingly<T>(
  { everyMs, shareMax }: { everyMs: number; shareMax: number },
  read: () => Promise<T>,
): Source<T> {
  let latest: T | null = null
  let isReading = false
  let dueAtMs = 0

  async function readNow(): Promise<void> {
    const beganAtMs = performance.now()
    isReading = true
    latest = await read().catch(() => null)
    isReading = false
    dueAtMs = beganAtMs + Math.max(everyMs, (performance.now() - beganAtMs) / shareMax)
  }

  return {
    async sample() {
      if (!isReading && performance.now() >= dueAtMs) void readNow()
      return latest
    },
  }
}

/** An average over longer would be drawn as if it were now. */
const RATE_SECONDS_MAX = 10

/**
 * Turns counts that only grow into rates a second, as the average of the last `overReadings`; null at first, after a
 * gap, and after a counter began anew.
 */
export function rates<Counts extends Record<string, number>>(overReadings = 1): (counts: Counts) => Counts | null {
  let readings: { counts: Counts; atMs: number }[] = []
  return (counts) => {
    const atMs = performance.now()
    const known = readings.at(-1)
    const isNew =
      !known ||
      atMs - known.atMs > RATE_SECONDS_MAX * 1_000 ||
      Object.entries(counts).some(([name, count]) => count < (known.counts[name] ?? 0))
    readings = [...(isNew ? [] : readings.slice(-overReadings)), { counts, atMs }]
    const [earlier] = readings
    if (isNew || !earlier) return null
    const seconds = (atMs - earlier.atMs) / 1_000
    const differences = Object.entries(counts).map(([name, count]): [string, number] => [
      name,
      (count - (earlier.counts[name] ?? 0)) / seconds,
    ])
    return Object.fromEntries(differences) as Counts
  }
}
