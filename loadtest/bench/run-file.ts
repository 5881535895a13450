import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { picture } from './report/charts.ts'
import type { BenchRun } from './results.ts'

const FOLDER = 'loadtest/results'

/** @throws one sentence when it is not what a bench of this version wrote. */
export async function readRunFile(file: string): Promise<BenchRun> {
  const run = JSON.parse(await readFile(file, 'utf8')) as Partial<BenchRun>
  if (run.format !== 2) throw new Error(`${file}: expected the raw figures of a bench, format 2, got ${run.format}.`)
  return run as BenchRun
}

/** The run as a file. Six digits of a measurement are more than there is. */
export function textOf(run: BenchRun): string {
  const shortened = (_key: string, value: unknown) =>
    typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(6)) : value
  return `${JSON.stringify(run, shortened)}\n`
}

/** @returns where, in a sentence. */
export async function writeRunFiles(run: BenchRun): Promise<string> {
  await mkdir(FOLDER, { recursive: true })
  const file = join(FOLDER, `bench-${run.at.replaceAll(':', '').slice(0, 17)}`)
  await writeFile(`${file}.json`, textOf(run))
  await writeFile(`${file}.svg`, picture(run))
  return `Raw figures: ${file}.json, charts: ${file}.svg`
}
