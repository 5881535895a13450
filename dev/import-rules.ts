/**
 * Usage: npm run imports
 * Holds every import against the rules of .dependency-cruiser.cjs: who may import whom.
 */
import { execa } from 'execa'
import { commandLine } from '../core/platform/process/command-line.ts'

commandLine()

/** A parser that does not fit makes dependency-cruiser skip every .ts file and report no violation. */
const MODULES_MIN = 20

interface Cruise {
  modules: { source: string }[]
  summary: { error: number; warn: number }
}

// As commands: inside this process they would be loaded through tsx, whose cache breaks their visitor of the syntax
// tree.
const tools = { preferLocal: true, reject: false } as const
const readingTsx = { NODE_OPTIONS: '--import=./dev/parse-tsx.mjs' }
const { stdout, stderr } = await execa(
  'depcruise',
  ['--config', '.dependency-cruiser.cjs', '--output-type', 'json', '.'],
  { ...tools, env: readingTsx },
)
if (stdout === '') throw new Error(`dependency-cruiser found no modules to look at: ${stderr}`)
const { modules, summary } = JSON.parse(stdout) as Cruise
const ours = modules.filter(({ source }) => /^(?!node_modules\/)[\w.-]+\/.*\.tsx?$/.test(source))

const report = await execa('depcruise-fmt', ['--output-type', 'err-long', '-'], { ...tools, input: stdout })
console.log(report.stdout.trim())
if (ours.length < MODULES_MIN)
  console.error(
    `Only ${ours.length} TypeScript modules of ours were looked at, expected ${MODULES_MIN} or more: nothing was checked.`,
  )
if (ours.length < MODULES_MIN || summary.error + summary.warn > 0) process.exitCode = 1
