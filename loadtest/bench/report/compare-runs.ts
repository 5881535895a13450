import Table from 'cli-table3'
import { type Reading, readings } from '../figures.ts'
import type { BenchRun } from '../results.ts'
import { amount } from './table.ts'

/** Every figure that both runs have. */
export function compareRuns(before: BenchRun, after: BenchRun): string {
  const table = new Table({
    head: ['', 'before', 'after', 'change', ''],
    colAligns: ['left', 'right', 'right', 'right', 'left'],
    style: { head: [], border: [] },
  })
  const earlier = new Map(readings(before.rounds).map((reading) => [reading.figure.id, reading]))
  for (const now of readings(after.rounds)) {
    const then = earlier.get(now.figure.id)
    if (then)
      table.push([
        now.figure.label,
        spread(then),
        spread(now),
        percent(now.median / then.median - 1),
        judgement(then, now),
      ])
  }
  return table.toString()
}

/**
 * A difference counts when no round of the one run reaches into the other's: with three rounds each, chance alone does
 * that one time in ten.
 */
export function judgement(before: Reading, after: Reading): string {
  if (before.values.length < 2 || after.values.length < 2) return 'one round only'
  if (before.low <= after.high && after.low <= before.high) return 'within the spread'
  const isMore = after.median > before.median
  return isMore === (after.figure.better === 'more') ? 'BETTER' : 'WORSE'
}

function spread({ figure: { digits }, values, median, low, high }: Reading): string {
  return values.length === 1
    ? amount(median, digits)
    : `${amount(median, digits)} (${amount(low, digits)} – ${amount(high, digits)})`
}

function percent(change: number): string {
  return `${change >= 0 ? '+' : '−'}${Math.abs(100 * change).toFixed(0)} %`
}
