/** What happened in one of the three uses: log, chat, remote call. */
export type Step = { at: number } & (
  | { did: 'PLACED'; order: number }
  | { did: 'FAILED'; order: number }
  | { did: 'SENT'; message: number; group: string; members: string[] }
  | { did: 'READ'; message: number; person: string }
  | { did: 'ASKED'; call: number; item: number }
  /** `about`: the item whose price it is. */
  | { did: 'ANSWERED'; call: number; about: number }
  | { did: 'TIMED_OUT'; call: number }
  /** An answer that came when its caller had given up, and was thrown away. */
  | { did: 'DROPPED'; call: number; about: number }
)
