import { readFile } from 'node:fs/promises'
import type { BenchRun } from '../results.ts'

/** @throws one sentence when it is not what a bench of this version wrote. */
export async function readRunFile(file: string): Promise<BenchRun> {
  const run = JSON.parse(await readFile(file, 'utf8')) as Partial<BenchRun>
  if (run.format !== 1)
    throw new Error(`${file} is not the raw file of a bench: expected "format": 1, got ${JSON.stringify(run.format)}.`)
  return run as BenchRun
}
