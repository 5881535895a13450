import type { LoadedLedgers } from './loaded-ledgers.ts'

/**
 * The ledgers for a periodic pass: in every pass those where something may happen now, and of all that are loaded some
 * in turn, since a window may be moved and a change be missed. So a pass costs what the sales of now cost, not all of
 * them.
 */
export class LedgersInTurn {
  readonly #loaded: LoadedLedgers
  readonly #near: () => string[] | Promise<string[]>
  readonly #inTurnMax: number
  #skip = 0

  /** @param inTurnMax ledgers of a pass beside the near ones */
  constructor(loaded: LoadedLedgers, near: () => string[] | Promise<string[]>, inTurnMax: number) {
    this.#loaded = loaded
    this.#near = near
    this.#inTurnMax = inTurnMax
  }

  /** The ledgers of the next pass. @throws when a server does not answer */
  async next(): Promise<string[]> {
    const [near, inTurn] = await Promise.all([this.#near(), this.#loaded.some(this.#skip, this.#inTurnMax)])
    this.#skip = inTurn.length < this.#inTurnMax ? 0 : this.#skip + this.#inTurnMax
    return [...new Set([...near, ...inTurn])]
  }
}
