/**
 * Usage: npm run opening:table   shows the latest run of npm run loadtest -- opening in docs/opening.md, in both
 *                                languages; saved.json beside this keeps its figures, and a test holds the tables to it
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { commandLine } from '../../core/platform/process/command-line.ts'
import { PAGES, SAVED_FILE, type Saved, withTable } from './table-text.ts'
import { boughtAfterOf, KINDS, type SetUp, ticketsOf, TRIAL_NAMES, unitsOf } from './trials.ts'

interface Results {
  passed: boolean
  at: string
  setup_data: SetUp
  metrics: Partial<Record<string, { values: { count?: number; max?: number } }>>
}

commandLine()
const saved = savedRun('loadtest/results/opening.json')
writeFileSync(SAVED_FILE, `${JSON.stringify(saved, null, 2)}\n`)
for (const language of ['en', 'zh'] as const) {
  const page = PAGES[language]
  writeFileSync(page, withTable(readFileSync(page, 'utf8'), saved, language))
}
console.log(`Written: ${Object.values(PAGES).join(', ')}`)

/** @throws of a run that is not fit to be shown */
function savedRun(file: string): Saved {
  const { passed, at, setup_data: given, metrics } = JSON.parse(readFileSync(file, 'utf8')) as Results
  if (!passed) throw new Error(`The run in ${file} has not passed.`)
  const [processor] = cpus()
  const machine = `${processor?.model.trim()}, ${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GB`
  const countOf = (metric: string) => metrics[metric]?.values.count ?? 0
  const byKind = (of: (kind: (typeof KINDS)[number]) => string) =>
    Object.fromEntries(KINDS.map((kind) => [kind, countOf(of(kind))]))
  const sales = TRIAL_NAMES.map((name) => [
    name,
    {
      units: byKind((kind) => unitsOf(name, kind)),
      tickets: byKind((kind) => ticketsOf(name, kind)),
      lastSeconds: Math.round((metrics[boughtAfterOf(name)]?.values.max ?? 0) / 100) / 10,
    },
  ])
  return { date: at.slice(0, 10), machine, sizes: given.sizes, sales: Object.fromEntries(sales) as Saved['sales'] }
}
