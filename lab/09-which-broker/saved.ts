import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Row } from './entry.ts'

/** The run that the table in the documents shows; `npm run lab:table` replaces it. */
export interface Saved {
  /** As in "2026-01-31". */
  date: string
  /** Its processor, cores and memory. */
  machine: string
  rows: Row[]
}

export const SAVED_FILE = join(import.meta.dirname, 'saved.json')
export const SAVED = JSON.parse(readFileSync(SAVED_FILE, 'utf8')) as Saved
