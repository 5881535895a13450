/**
 * Usage: npm run test:long [-- --part SEED]
 *   --part SEED   only four of the test files that have a long form; the same SEED, such as a commit, draws the same
 * Runs the whole suite, the labs and the tests of the pages in their long form, takes all guards away, one at a time,
 * plays twenty rounds of random faults and ten on clusters, and follows docs/forking.md in a copy. Takes hours.
 */
import { readFileSync } from 'node:fs'
import { execa } from 'execa'
import { commandLine } from '../core/platform/process/command-line.ts'
import { isOfTestLong, testFiles } from '../test/tiers.ts'
import { draw } from './draw.ts'

const {
  values: { part },
} = commandLine({ part: { type: 'string' } })
const SUITE = ['test', '--silent']
const PART_FILES = 4
/** Its ten alerts need nine minutes to fire. */
const NO_PART = 'test/alerts.long.test.ts'
const WHOLE = [
  SUITE,
  ['run', '-s', 'test:labs'],
  ['run', '-s', 'test:browser'],
  ['run', '-s', 'mutations'],
  ['run', '-s', 'chaos', '--', '--rounds', '20'],
  ['run', '-s', 'chaos', '--', '--cluster', '--rounds', '10'],
  ['run', '-s', 'forking', '--', '--all'],
]

for (const args of part === undefined ? WHOLE : [[...SUITE, '--', ...drawnBy(part)]]) {
  const { exitCode } = await execa('npm', args, { stdio: 'inherit', reject: false, env: { TEST_LONG: 'true' } })
  process.exitCode = exitCode ?? 1
  if (exitCode !== 0) break
}

function drawnBy(seed: string): string[] {
  const files = testFiles().filter(
    (file) => file !== NO_PART && (isOfTestLong(file) || /dieRepeatedly|shortOrLong/.test(readFileSync(file, 'utf8'))),
  )
  if (files.length < PART_FILES)
    throw new Error('no test file has a long form: test/support/thoroughness.ts is not used')
  return draw(files, PART_FILES, seed, (file) => file)
}
