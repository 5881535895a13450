import { type Database, Prisma } from '../core/platform/stores/database.ts'
import { KEPT_AFTER_END_MS } from '../core/stock/sale-figures.ts'

/** Ended sales sell no more, so they take turns: a thousand of them need five runs. */
const ENDED_PER_RUN_MAX = 200

export interface SaleInTurn {
  id: string
  epoch: number
  fencedEpoch: number
  shards: number
}

/**
 * The sales of PostgreSQL whose ledger has not expired, for a loop: in every run those that have not ended, open ones
 * first, and some of the ended ones, which take turns. So a run costs as much as the open sales cost.
 */
export class DatabaseSalesInTurn {
  readonly #database: Database
  #last = { closesAt: new Date(0), id: '' }

  constructor(database: Database) {
    this.#database = database
  }

  /** The sales of the next run. @throws when PostgreSQL does not answer */
  async next(): Promise<SaleInTurn[]> {
    const open = await this.#read(Prisma.sql`closes_at > now() ORDER BY opens_at > now(), opens_at, id`)
    const { closesAt, id } = this.#last
    const ended = await this.#read(Prisma.sql`
      closes_at <= now() AND closes_at > now() - ${KEPT_AFTER_END_MS} * interval '1 ms'
        AND (closes_at, id) > (${closesAt}, ${id})
      ORDER BY closes_at, id LIMIT ${ENDED_PER_RUN_MAX}`)
    const last = ended.length < ENDED_PER_RUN_MAX ? undefined : ended.at(-1)
    this.#last = last ?? { closesAt: new Date(0), id: '' }
    return [...open, ...ended]
  }

  async #read(which: Prisma.Sql): Promise<(SaleInTurn & { closesAt: Date })[]> {
    return this.#database
      .$queryRaw`SELECT id, epoch, fenced_epoch AS "fencedEpoch", shards, closes_at AS "closesAt" FROM sales WHERE ${which}`
  }
}
