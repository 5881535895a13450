import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { BenchRun } from '../results.ts'
import { page } from './page.ts'

const FOLDER = 'loadtest/results'

/** @returns where, in a sentence. */
export async function writeResults(run: BenchRun): Promise<string> {
  await mkdir(FOLDER, { recursive: true })
  const file = join(FOLDER, `bench-${run.at.replaceAll(':', '').slice(0, 17)}`)
  await writeFile(`${file}.json`, `${JSON.stringify(run, compact)}\n`)
  await writeFile(`${file}.html`, page(run))
  return `Raw figures: ${file}.json\nWith charts: ${file}.html`
}

/** Six digits of a measurement are more than there is. */
export function compact(_key: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(6)) : value
}
