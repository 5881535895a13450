import type { Row } from './row.ts'
import type { Candidate } from './topic.ts'

/** What was being tried. */
export type Phase = 'rush' | 'paced' | 'one-queue' | 'delay' | 'rollback' | 'kill'

/** What happened to a message, or to a server. */
export interface Entry {
  candidate: Candidate
  /**
   * CONFIRMED: the broker has said that it has the message. CAME: a consumer has handled it. AGAIN: a reader that comes
   * later finds it, too. LEFT: there after the kill. SAVED: not run here; the row is of an earlier run.
   */
  did: 'BEGAN' | 'CONFIRMED' | 'CAME' | 'AGAIN' | 'ROLLED_BACK' | 'KILLED' | 'LEFT' | 'SAVED'
  phase: Phase
  at: number
  message?: number
  key?: number
  sentAt?: number
  dueAt?: number
  consumer?: number
  /** Of BEGAN: the version of the server. Of SAVED: why it did not run. */
  text?: string
  saved?: { row: Row; date: string; machine: string }
}
