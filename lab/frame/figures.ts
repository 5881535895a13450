/** As in "12:00:03.120", in UTC. */
export const clock = (ms: number): string => new Date(ms).toISOString().slice(11, 23)

/** Three digits at least, and no more than a measurement has. */
export const rounded = (value: number): number => Number(value.toFixed(decimalsOf(value)))

/** Rounded likewise, as in "1,024" and "2.50". */
export function amount(value: number): string {
  const decimals = decimalsOf(value)
  return value.toLocaleString('en-US', { minimumFractionDigits: decimals, maximumFractionDigits: decimals })
}

const decimalsOf = (value: number) =>
  Number.isInteger(value) || Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2

/** The value below which this share of them lies; 0 of none. */
export function quantile(values: number[], share: number): number {
  const sorted = values.toSorted((one, other) => one - other)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
}

/** From the first entry to the last; never 0, so that a rate can be had. */
export function secondsIn(history: { at: number }[]): number {
  const times = history.map(({ at }) => at)
  return Math.max(Math.max(...times) - Math.min(...times), 1) / 1_000
}
