import { setTimeout as delay } from 'node:timers/promises'
import { connect } from 'amqplib'
import { Pool } from 'pg'
import { createDatabase } from '../../dev/servers/postgres.ts'
import { migrate } from '../../prisma/migrate.ts'
import { type Program, startProgram } from './program.ts'
import type { BenchSystem } from './system.ts'

export type NaiveDesign = 'for-update' | 'conditional-update' | 'one-statement' | 'queue' | 'queue-consumer'

export interface NaiveRows {
  stock: number
  sold: number
  orders: number
}

/** Redis database of the naive designs: the shop's is 0, that of the ceiling 1. */
const REDIS_DATABASE = 2
const ROWS_LIMIT_MS = 30_000

/** The naive designs' own database on the same PostgreSQL, looked at from outside. */
export class NaiveShop {
  readonly #system: BenchSystem
  readonly #env: Record<string, string>
  readonly #pool: Pool
  #sales = 0

  private constructor(system: BenchSystem, databaseUrl: string) {
    this.#system = system
    const { PATH = '', TOKEN_SECRET = '', RABBITMQ_URL = '', REDIS_URL = '' } = system.env
    this.#env = {
      PATH,
      TOKEN_SECRET,
      RABBITMQ_URL,
      REDIS_URL: `${REDIS_URL}/${REDIS_DATABASE}`,
      DATABASE_URL: databaseUrl,
    }
    this.#pool = new Pool({ connectionString: databaseUrl, max: 2 })
  }

  static async open(system: BenchSystem): Promise<NaiveShop> {
    const url = await createDatabase(system.adminUrl, 'naive')
    await migrate(url)
    const shop = new NaiveShop(system, url)
    await shop.#pool.query(`
      DROP INDEX orders_live_of_buyer;
      CREATE UNIQUE INDEX ON orders(sale_id, buyer_id) WHERE status IN ('PENDING_PAYMENT', 'PAID')`)
    return shop
  }

  async start(design: NaiveDesign): Promise<Program> {
    return await startProgram(this.#system.launch, design, `loadtest/naive/${design}.ts`, this.#env)
  }

  /** @returns the address to buy at. */
  async openSale(program: Program, stock: number): Promise<{ saleId: string; url: string }> {
    const saleId = `naive-${++this.#sales}`
    await this.#pool.query(
      `INSERT INTO sales (id, title, price_cents, stock, opens_at, closes_at) VALUES ($1, 'Bench', 1000, $2, now() - interval '1 second', now() + interval '6 hours')`,
      [saleId, stock],
    )
    const answer = await fetch(`${program.url}/sales/${saleId}/open`, { method: 'POST' })
    if (!answer.ok) throw new Error(`The naive design did not open its sale: ${answer.status} ${await answer.text()}`)
    return { saleId, url: `${program.url}/sales/${saleId}/reservations` }
  }

  async rows(saleId: string): Promise<NaiveRows> {
    const { rows } = await this.#pool.query<NaiveRows>(
      `SELECT stock, sold, (SELECT coalesce(sum(quantity), 0)::int FROM orders WHERE sale_id = sales.id) AS orders FROM sales WHERE id = $1`,
      [saleId],
    )
    if (!rows[0]) throw new Error(`No sale ${saleId}.`)
    return rows[0]
  }

  /** Waits until so many orders are there, and not longer than what a queue of that length may take. */
  async untilOrdered(saleId: string, orders: number): Promise<NaiveRows> {
    let rows = await this.rows(saleId)
    for (const until = Date.now() + ROWS_LIMIT_MS; rows.orders < orders && Date.now() < until; ) {
      await delay(50)
      rows = await this.rows(saleId)
    }
    return rows
  }

  /** What its slow consumer would need minutes for. */
  async forgetQueue(queue: string): Promise<void> {
    const connection = await connect(this.#env.RABBITMQ_URL ?? '', { noDelay: true })
    const channel = await connection.createChannel()
    await channel.purgeQueue(queue)
    await connection.close()
  }

  async close(): Promise<void> {
    await this.#pool.end()
  }
}
