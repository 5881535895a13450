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

/** What was measured of a candidate, and what it was seen to do. */
export interface Row {
  candidate: Candidate
  version: string
  confirmedPerSecond: number
  consumedPerSecond: number
  /** From a message's publishing to the consumer that waits for it. */
  p99Ms: number
  /** Confirmed before the kill, and there afterwards. */
  confirmed: number
  left: number
  /** Delays a message, also a short one behind a long one. */
  delays: boolean
  /** Keeps the order per key, with two consumers on two partitions. */
  orders: boolean
  /** Gives each message of one queue to the next free consumer, and to no other. */
  shares: boolean
  /** A reader that comes later finds what others have consumed. */
  rereads: boolean
  /** A message that was published in a transaction is gone when that is rolled back. */
  rollsBack: boolean
}
