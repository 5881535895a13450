/**
 * Usage: npm run bench:compare -- <before.json> <after.json>
 * Every figure that both runs have, and which of them differ by more than the rounds of one run do among themselves.
 */
import Table from 'cli-table3'
import { commandLine } from '../../core/platform/process/command-line.ts'
import { judgement, type Reading, readings } from './figures.ts'
import { amount, headline, spread } from './report/table.ts'
import { readRunFile } from './run-file.ts'

const {
  positionals: [before = '', after = ''],
} = commandLine({}, [2, 2])
const runs = [await readRunFile(before), await readRunFile(after)] as const
const earlier = new Map(readings(runs[0].rounds).map((reading) => [reading.figure.id, reading]))
const told = (reading: Reading) => `${amount(reading.median)} (${spread(reading)})`
const table = new Table({ head: ['', 'before', 'after', 'after / before', ''], style: { head: [], border: [] } })
for (const now of readings(runs[1].rounds)) {
  const then = earlier.get(now.figure.id)
  if (!then) continue
  const name = `${now.figure.label} (${now.figure.section})`
  table.push([name, told(then), told(now), amount(now.median / then.median), judgement(then, now)])
}
console.log(`before: ${headline(runs[0])}\nafter:  ${headline(runs[1])}\n${table.toString()}`)
