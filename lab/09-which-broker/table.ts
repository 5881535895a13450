/**
 * Usage: npm run lab:table -- <folder>   shows that run of lab 09, made here, in docs/which-broker.md, in both
 *                                         languages: lab/results/09-which-broker/<time>
 *        npm run lab:table -- --check    exits 1 when the tables are not what saved.json beside this makes of them
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { join } from 'node:path'
import { commandLine, refuse } from '../../core/platform/process/command-line.ts'
import { rounded } from '../frame/figures.ts'
import type { Language } from '../frame/words.ts'
import type { Entry, Row } from './entry.ts'
import { rowsOf } from './judge.ts'
import { SAVED, SAVED_FILE, type Saved } from './saved.ts'
import { PAGES, withTable } from './table-text.ts'
import { NAMES } from './topic.ts'

const {
  values: { check },
  positionals: [folder],
} = commandLine({ check: { type: 'boolean' } }, [0, 1])
if ((folder === undefined) !== (check === true)) refuse('Expected either the folder of a run or --check.')

if (folder === undefined) {
  const differing = Object.entries(PAGES).filter(([language, file]) => {
    const text = readFileSync(file, 'utf8')
    return text !== withTable(text, SAVED, language as Language)
  })
  for (const [, file] of differing) console.error(`${file}: its table is not what ${SAVED_FILE} makes of it.`)
  if (differing.length > 0) process.exitCode = 1
} else {
  const saved = savedRun(folder)
  writeFileSync(SAVED_FILE, `${JSON.stringify(saved, null, 2)}\n`)
  for (const [language, file] of Object.entries(PAGES))
    writeFileSync(file, withTable(readFileSync(file, 'utf8'), saved, language as Language))
  console.log(`Written: ${[SAVED_FILE, ...Object.values(PAGES)].join(', ')}`)
}

/** @throws of a run that is not fit to be shown */
function savedRun(from: string): Saved {
  const verdict = JSON.parse(readFileSync(join(from, 'verdict.json'), 'utf8')) as { at: string; asPromised: boolean }
  const lines = readFileSync(join(from, 'history.ndjson'), 'utf8').trim().split('\n')
  const rows = rowsOf(lines.map((line) => JSON.parse(line) as Entry))
  const missing = Object.keys(NAMES).filter((id) => !rows.some(({ candidate }) => candidate === id))
  if (!verdict.asPromised) throw new Error('That run did not come as promised.')
  if (missing.length > 0)
    throw new Error(`That run has no ${missing.join(', no ')}; "npm run lab:kafka" fetches Kafka.`)
  const [processor] = cpus()
  const machine = `${processor?.model.trim()}, ${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GB`
  return { date: verdict.at.slice(0, 10), machine, rows: rows.map(roundedRow) }
}

/** More digits than a measurement has would only make the file longer. */
function roundedRow(row: Row): Row {
  const perSecond = {
    confirmedPerSecond: Math.round(row.confirmedPerSecond),
    consumedPerSecond: Math.round(row.consumedPerSecond),
  }
  return { ...row, ...perSecond, p99Ms: rounded(row.p99Ms) }
}
