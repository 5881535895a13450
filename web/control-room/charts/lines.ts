/** Values by moment, as a chart draws them; null where nothing is known. */
export type Line = (number | null)[]

/** One that came late covers the time of those before it, since rates are averages over the time since the last. */
const BRIDGED_MAX = 2

export function bridged(line: Line): Line {
  return line.map((value, at) => {
    if (value !== null) return value
    const next = line.findIndex((later, i) => i > at && later !== null)
    const before = line.findLastIndex((earlier, i) => i < at && earlier !== null)
    return next !== -1 && before !== -1 && next - before - 1 <= BRIDGED_MAX ? (line[next] ?? null) : null
  })
}

/** Each line on top of those before it. */
export function stacked(lines: Line[]): Line[] {
  const sums: Line[] = []
  for (const line of lines) {
    const below = sums.at(-1)
    sums.push(
      line.map((value, at) => {
        const ground = below ? (below[at] ?? null) : 0
        return value === null || ground === null ? null : value + ground
      }),
    )
  }
  return sums
}

/** The last value that is known, when it is hardly older than now. */
export function latest(line: Line): number | null {
  return line.slice(-1 - BRIDGED_MAX).findLast((value) => value !== null) ?? null
}

export function highest(line: Line): number | null {
  const known = line.filter((value) => value !== null)
  return known.length > 0 ? Math.max(...known) : null
}

const STEPS = [1, 2, 3, 4, 5, 6, 8, 10]

/** A round number that is not below any of the values: the end of an axis. */
export function roundTop(lines: Line[], least: number): number {
  const top = Math.max(least, ...lines.flatMap((line) => line.filter((value) => value !== null)))
  const power = 10 ** Math.floor(Math.log10(top))
  return (STEPS.find((step) => step * power >= top) ?? 10) * power
}
