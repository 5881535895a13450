/** npm run bench:compare -- <before.json> <after.json>: what differs by more than the rounds of one run do among themselves. */
import { compareRuns } from './report/compare-runs.ts'
import { readRunFile } from './report/read-run-file.ts'
import { headline } from './report/table.ts'

const [before, after] = process.argv.slice(2)
if (!before || !after) {
  console.error('Expected two files: npm run bench:compare -- <before.json> <after.json>')
  process.exit(2)
}
const runs = [await readRunFile(before), await readRunFile(after)] as const
console.log(`before: ${headline(runs[0])}\nafter:  ${headline(runs[1])}`)
console.log(compareRuns(...runs))
