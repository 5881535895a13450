import { type Database, Prisma } from '../platform/stores/database.ts'
import { KEPT_AFTER_END_MS } from '../stock/sale-figures.ts'
import { ledgersOf } from '../stock/shards.ts'

/** A sale is near from so long before its opening until so long after its end. */
const NEAR_MS = 600_000

export interface SaleInTurn {
  id: string
  epoch: number
  fencedEpoch: number
  shards: number
  /** Within its window. */
  isRunning: boolean
}

const near = Prisma.sql`
  opens_at <= now() + ${NEAR_MS} * interval '1 ms' AND closes_at > now() - ${NEAR_MS} * interval '1 ms'`

/**
 * The sales of PostgreSQL whose ledger has not expired, for a loop: in every run those that are near, open ones first,
 * and some of the others, which take turns. So a run costs as much as the sales of now cost, not all of them.
 */
export class DatabaseSalesInTurn {
  readonly #database: Database
  readonly #inTurnMax: number
  #last = { closesAt: new Date(0), id: '' }

  /** @param inTurnMax sales of a run beside the near ones */
  constructor(database: Database, inTurnMax: number) {
    this.#database = database
    this.#inTurnMax = inTurnMax
  }

  /** The sales of the next run. @throws when PostgreSQL does not answer */
  async next(): Promise<SaleInTurn[]> {
    const nearOnes = await this.#read(Prisma.sql`${near} ORDER BY closes_at <= now(), opens_at > now(), opens_at, id`)
    const { closesAt, id } = this.#last
    const inTurn = await this.#read(Prisma.sql`
      closes_at > now() - ${KEPT_AFTER_END_MS} * interval '1 ms' AND NOT (${near})
        AND (closes_at, id) > (${closesAt}, ${id})
      ORDER BY closes_at, id LIMIT ${this.#inTurnMax}`)
    const last = inTurn.length < this.#inTurnMax ? undefined : inTurn.at(-1)
    this.#last = last ?? { closesAt: new Date(0), id: '' }
    return [...nearOnes, ...inTurn]
  }

  async #read(which: Prisma.Sql): Promise<(SaleInTurn & { closesAt: Date })[]> {
    return this.#database.$queryRaw`
        SELECT id, epoch, fenced_epoch AS "fencedEpoch", shards, closes_at AS "closesAt",
          opens_at <= now() AND closes_at > now() AS "isRunning"
        FROM sales WHERE ${which}`
  }
}

/** The ledgers of the sales that are near. @throws when PostgreSQL does not answer */
export async function nearLedgers(database: Database): Promise<string[]> {
  const sales = await database.$queryRaw<{ id: string; shards: number }[]>`SELECT id, shards FROM sales WHERE ${near}`
  return sales.flatMap(({ id, shards }) => ledgersOf(id, shards))
}

/** The epochs of the sales that are near, by sale. @throws when PostgreSQL does not answer */
export async function nearEpochs(database: Database): Promise<Record<string, number>> {
  const sales = await database.$queryRaw<{ id: string; epoch: number }[]>`SELECT id, epoch FROM sales WHERE ${near}`
  return Object.fromEntries(sales.map(({ id, epoch }) => [id, epoch]))
}
