import type { Stock } from './stock.ts'

/** Ended sales sell no more, so they are checked in turn: a thousand of them take five looks. */
const ENDED_PER_LOOK_MAX = 200

/**
 * The loaded sales for a loop that looks at them again and again: those that have not ended every time, and of the
 * ended ones, which Redis keeps for a day, some each time, in turn. So a look costs what the open sales cost.
 */
export class SalesInTurn {
  readonly #stock: Pick<Stock, 'openSaleIds' | 'endedSaleIds'>
  #skip = 0

  constructor(stock: Pick<Stock, 'openSaleIds' | 'endedSaleIds'>) {
    this.#stock = stock
  }

  /** Ids of the sales of the next look. @throws when Redis does not answer */
  async next(): Promise<string[]> {
    const [open, ended] = await Promise.all([
      this.#stock.openSaleIds(),
      this.#stock.endedSaleIds(this.#skip, ENDED_PER_LOOK_MAX),
    ])
    this.#skip = ended.length < ENDED_PER_LOOK_MAX ? 0 : this.#skip + ENDED_PER_LOOK_MAX
    return [...open, ...ended]
  }
}
