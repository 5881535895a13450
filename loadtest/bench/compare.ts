/**
 * Usage: npm run bench:compare -- <before.json> <after.json>
 * Says what differs by more than the rounds of one run do among themselves.
 */
import { commandLine } from '../../core/platform/process/command-line.ts'
import { compareRuns } from './report/compare-runs.ts'
import { readRunFile } from './report/read-run-file.ts'
import { headline } from './report/table.ts'

const {
  positionals: [before = '', after = ''],
} = commandLine({}, [2, 2])
const runs = [await readRunFile(before), await readRunFile(after)] as const
console.log(`before: ${headline(runs[0])}\nafter:  ${headline(runs[1])}`)
console.log(compareRuns(...runs))
