import type { LoadedLedgers } from './loaded-ledgers.ts'

/** Ended sales sell no more, so they are checked in turn: a thousand of them take five passes. */
const ENDED_PER_PASS_MAX = 200

/**
 * The loaded ledgers for a periodic pass: those of all sales that have not ended, and of the ended ones, which Redis keeps
 * for a day, some in turn. So a pass costs what the open sales cost.
 */
export class LedgersInTurn {
  readonly #loaded: LoadedLedgers
  #skip = 0

  constructor(loaded: LoadedLedgers) {
    this.#loaded = loaded
  }

  /** The ledgers of the next pass. @throws when Redis does not answer */
  async next(): Promise<string[]> {
    const [open, ended] = await Promise.all([this.#loaded.open(), this.#loaded.ended(this.#skip, ENDED_PER_PASS_MAX)])
    this.#skip = ended.length < ENDED_PER_PASS_MAX ? 0 : this.#skip + ENDED_PER_PASS_MAX
    return [...open, ...ended]
  }
}
