import { type Database, Prisma } from '../core/platform/stores/database.ts'
import { KEPT_AFTER_END_MS } from '../core/stock/sale-figures.ts'

/** Ended sales sell no more, so they are checked in turn: a thousand of them take five looks. */
const ENDED_PER_LOOK_MAX = 200

export interface SaleInTurn {
  id: string
  epoch: number
  fencedEpoch: number
}

/**
 * The sales that Redis should have, by PostgreSQL, for a loop that looks at them again and again: those that have not
 * ended every time, open ones first, and of the ended ones some each time, in turn. So a look costs what the open sales
 * cost.
 */
export class LedgerSalesInTurn {
  readonly #database: Database
  #last = { closesAt: new Date(0), id: '' }

  constructor(database: Database) {
    this.#database = database
  }

  /** The sales of the next look. @throws when PostgreSQL does not answer */
  async next(): Promise<SaleInTurn[]> {
    const open = await this.#read(Prisma.sql`closes_at > now() ORDER BY opens_at > now(), opens_at, id`)
    const { closesAt, id } = this.#last
    const ended = await this.#read(Prisma.sql`
      closes_at <= now() AND closes_at > now() - ${KEPT_AFTER_END_MS} * interval '1 ms' AND (closes_at, id) > (${closesAt}, ${id})
      ORDER BY closes_at, id LIMIT ${ENDED_PER_LOOK_MAX}`)
    const last = ended.length < ENDED_PER_LOOK_MAX ? undefined : ended.at(-1)
    this.#last = last ?? { closesAt: new Date(0), id: '' }
    return [...open, ...ended]
  }

  async #read(which: Prisma.Sql): Promise<(SaleInTurn & { closesAt: Date })[]> {
    return this.#database
      .$queryRaw`SELECT id, epoch, fenced_epoch AS "fencedEpoch", closes_at AS "closesAt" FROM sales WHERE ${which}`
  }
}
