import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { FoundLab } from './find-labs.ts'
import { isAsExpected, type Language, type Outcome } from './lab.ts'

const RESULTS = join(import.meta.dirname, '../results')
const PROGRESS = join(RESULTS, 'progress.json')

/** What this reader has done of a lab. */
export interface Progress {
  ranAt?: string
  solvedAt?: string
  /** Hints shown so far. */
  hints?: number
}

export function readProgress(): Record<string, Progress> {
  return existsSync(PROGRESS) ? (JSON.parse(readFileSync(PROGRESS, 'utf8')) as Record<string, Progress>) : {}
}

export function noteProgress({ id }: FoundLab, change: Progress): void {
  const all = readProgress()
  mkdirSync(RESULTS, { recursive: true })
  writeFileSync(PROGRESS, `${JSON.stringify({ ...all, [id]: { ...all[id], ...change } }, null, 2)}\n`)
}

export interface Report {
  seed: number
  prediction?: string
  answer?: string | number
  outcomes: Outcome[]
}

/** Writes verdict.json, history.ndjson and chart.svg. @returns their folder */
export async function writeResults(lab: FoundLab, report: Report, language: Language): Promise<string> {
  const at = new Date().toISOString()
  const folder = join(RESULTS, lab.id, at.slice(0, 19).replaceAll(':', ''))
  mkdirSync(folder, { recursive: true })
  const { outcomes, ...rest } = report
  const sides = outcomes.map(({ history: _, ...outcome }) => outcome)
  const verdict = { lab: lab.id, at, asPromised: outcomes.every(isAsExpected), ...rest, sides }
  const history = outcomes.flatMap(({ side, history }) => history.map((entry) => JSON.stringify({ side, ...entry })))
  writeFileSync(join(folder, 'verdict.json'), `${JSON.stringify(verdict, null, 2)}\n`)
  writeFileSync(join(folder, 'history.ndjson'), history.map((line) => `${line}\n`).join(''))
  // Loading what draws takes several seconds of a core: only where a chart is drawn.
  const { drawChart } = await import('./draw-chart.ts')
  writeFileSync(join(folder, 'chart.svg'), drawChart(lab.chart(outcomes), language))
  return folder
}
