import type { Stock } from './stock.ts'

/** Ended sales sell no more, so they are checked in turn: a thousand of them take five passes. */
const ENDED_PER_PASS_MAX = 200

/**
 * The loaded sales for a periodic pass: all that have not ended, and of the ended ones, which Redis keeps for a day, some
 * in turn. So a pass costs what the open sales cost.
 */
export class SalesInTurn {
  readonly #stock: Pick<Stock, 'openSaleIds' | 'endedSaleIds'>
  #skip = 0

  constructor(stock: Pick<Stock, 'openSaleIds' | 'endedSaleIds'>) {
    this.#stock = stock
  }

  /** Ids of the sales of the next pass. @throws when Redis does not answer */
  async next(): Promise<string[]> {
    const [open, ended] = await Promise.all([
      this.#stock.openSaleIds(),
      this.#stock.endedSaleIds(this.#skip, ENDED_PER_PASS_MAX),
    ])
    this.#skip = ended.length < ENDED_PER_PASS_MAX ? 0 : this.#skip + ENDED_PER_PASS_MAX
    return [...open, ...ended]
  }
}
