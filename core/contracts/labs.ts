import type { Said } from './control-room.ts'

/** What crosses HTTP between the control room and its page about the labs, and between a lab and the control room. */

/** Of the labs (lab/), which speak both languages. */
export type LabWords = Said

export interface LabView {
  name: string
  title: LabWords
  question: LabWords
  ask: LabWords
  /** By id; empty where a number is predicted. */
  choices: Record<string, LabWords>
  /** Protections that can be off. */
  switches: { off: string; name: LabWords }[]
}

export interface LabSideView {
  id: string
  name: LabWords
  expected: 'HOLDS' | 'BREAKS'
  /** The file and the lines that are taken away for it. */
  diff: string[]
  /** What was recorded so far: how much, and the newest of it. */
  entries: number
  latest: string
  verdict: { holds: boolean; says: LabWords; lines: string[] } | null
}

/** A picture of bars, or of lines. */
export interface LabPanel {
  title: LabWords
  bars?: { name: LabWords; value: number; isBad?: boolean }[]
  lines?: { name: LabWords; points: [x: number, y: number][] }[]
  /** Labels of the axes. */
  x?: LabWords
  y?: LabWords
}

/** The figures of all sides. */
export interface LabTable {
  columns: LabWords[]
  /** Null where a side has no such figure. */
  rows: { name: LabWords; values: (number | null)[] }[]
}

interface LabResult {
  asPromised: boolean
  /** What was to be predicted; null when its side did not run. */
  answer: LabWords | null
  table: LabTable
  panels: LabPanel[]
}

/** What a lab prints with `--json` while it runs, one a line. */
export type LabEvent =
  | { type: 'side'; side: Omit<LabSideView, 'entries' | 'latest' | 'verdict'> }
  | { type: 'entries'; id: string; entries: number; latest: string }
  | { type: 'verdict'; id: string; verdict: NonNullable<LabSideView['verdict']> }
  | ({ type: 'done' } & LabResult)

export interface LabRunView {
  lab: string
  state: 'RUNNING' | 'DONE' | 'FAILED' | 'STOPPED'
  sides: LabSideView[]
  result: LabResult | null
}

/** GET /labs: none where they cannot be run. */
export interface LabsView {
  available: boolean
  labs: LabView[]
  run: LabRunView | null
}
