import { rounded } from './figures.ts'
import type { Words } from './words.ts'

/** One picture of a chart: bars, one below the other, or lines over time. */
export type Panel = { title: Words } & (
  | { bars: Bar[] }
  | { lines: Line[] /** Labels of the axes. */; x: Words; y: Words }
)

export interface Bar {
  name: Words
  value: number
  /** Drawn in the colour of what went wrong. */
  isBad?: boolean
}

export interface Line {
  name: Words
  points: [x: number, y: number][]
}

/**
 * A bar for each side that has the figure; of several figures, their sum. A side that breaks has the same colour in all
 * panels.
 */
export function barPerSide(title: Words, sides: Judged[], ...figures: string[]): Panel {
  const bars = sides.flatMap(({ name, verdict }) => {
    const values = figures.flatMap((figure) => verdict.figures[figure] ?? [])
    const value = rounded(values.reduce((sum, each) => sum + each, 0))
    return values.length === 0 ? [] : [{ name, value, isBad: !verdict.holds }]
  })
  return { title, bars }
}

interface Judged {
  name: Words
  verdict: { holds: boolean; figures: Record<string, number> }
}
