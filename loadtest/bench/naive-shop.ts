import { setTimeout as delay } from 'node:timers/promises'
import { connect } from 'amqplib'
import { Pool } from 'pg'
import { NAIVE_QUEUE } from '../naive/queue-channel.ts'
import { giveCouponsAndPoints } from './coupons-and-points.ts'
import { type Bench, measure } from './measure.ts'
import { type Program, startProgram } from './program.ts'
import { type Measured, payingBuyersMax } from './results.ts'
import type { System } from './system.ts'

export type NaiveDesign = 'for-update' | 'conditional-update' | 'one-statement' | 'queue'

/** Redis database of the naive designs; the shop's is 0. */
const REDIS_DATABASE = 2
const ROWS_LIMIT_MS = 60_000

/** The naive designs, each in a process of its own, on a database of their own on the shop's servers. */
export class NaiveShop {
  readonly #system: System
  readonly #env: Record<string, string>
  readonly #pool: Pool
  #sales = 0

  private constructor(system: System, databaseUrl: string) {
    this.#system = system
    const redisUrl = `${system.servers.redisUrl}/${REDIS_DATABASE}`
    this.#env = { ...system.env, REDIS_URL: redisUrl, DATABASE_URL: databaseUrl, NODE_ENV: 'production' }
    this.#pool = new Pool({ connectionString: databaseUrl, max: 1 })
  }

  static async open(system: System): Promise<NaiveShop> {
    const shop = new NaiveShop(system, await system.servers.newDatabase('naive'))
    // What the naive designs rely on for one order per buyer.
    await shop.#pool.query(`
      DROP INDEX orders_live_of_buyer;
      CREATE UNIQUE INDEX ON orders(sale_id, buyer_id) WHERE status IN ('PENDING_PAYMENT', 'PAID')`)
    return shop
  }

  async close(): Promise<void> {
    await this.#pool.end()
  }

  /**
   * Accepted a second: for a design that answers once the row is there, written, too. Of the queue nothing is written.
   */
  async measure(bench: Bench, design: NaiveDesign): Promise<Measured> {
    const program = await this.#start(design)
    const { saleId, url } = await this.#openSale(program)
    const measured = await measure(bench, { url })
    if (design === 'queue') await this.#purgeQueue()
    else await this.#check(bench, saleId)
    await program.stop()
    return measured
  }

  /** Buyers who pay, and all effects. */
  async measureCarried(
    bench: Bench,
    design: 'conditional-update' | 'queue',
    { couponsAndPoints = false } = {},
  ): Promise<Measured> {
    const programs = await Promise.all(
      [design, ...(design === 'queue' ? ['queue-consumer'] : [])].map((name) => this.#start(name)),
    )
    const { saleId, url } = await this.#openSale(programs[0] as Program)
    const plan = couponsAndPoints
      ? { pays: true, couponPrefix: await giveCouponsAndPoints(this.#pool, saleId, payingBuyersMax(bench.options)) }
      : { pays: true }
    const measured = await measure(bench, { url, plan })
    await this.#check(bench, saleId)
    for (const program of programs) await program.stop()
    const { startedAtMs, endedAtMs, paid } = measured.load
    return { ...measured, donePerSecond: (paid * 1_000) / (endedAtMs - startedAtMs) }
  }

  async #start(name: string): Promise<Program> {
    return await startProgram(this.#system.servers, { name, file: `loadtest/naive/${name}.ts`, env: this.#env })
  }

  async #openSale({ url }: Program): Promise<{ saleId: string; url: string }> {
    const saleId = `naive-${++this.#sales}`
    await this.#pool.query(
      `INSERT INTO sales (id, title, price_cents, stock, opens_at, closes_at)
       VALUES ($1, 'Bench', 1000, 10000000, now() - interval '1 second', now() + interval '6 hours')`,
      [saleId],
    )
    const answer = await fetch(`${url}/sales/${saleId}/open`, { method: 'POST' })
    if (!answer.ok) throw new Error(`The naive design did not open its sale: ${answer.status} ${await answer.text()}`)
    return { saleId, url: `${url}/sales/${saleId}/reservations` }
  }

  async #purgeQueue(): Promise<void> {
    const connection = await connect(this.#env.RABBITMQ_URL ?? '')
    await (await connection.createChannel()).purgeQueue(NAIVE_QUEUE)
    await connection.close()
  }

  /** A rival that loses orders, or counts others, would win by cheating; one that oversells the database stops. */
  async #check(bench: Bench, saleId: string): Promise<void> {
    for (const until = Date.now() + ROWS_LIMIT_MS; ; await delay(100)) {
      const { rows } = await this.#pool.query<{ sold: number; orders: number }>(
        `SELECT sold, (SELECT count(*)::int FROM orders WHERE sale_id = sales.id) AS orders FROM sales WHERE id = $1`,
        [saleId],
      )
      const { sold, orders } = rows[0] ?? { sold: 0, orders: 0 }
      if (sold === orders) return
      if (Date.now() > until)
        return void bench.unexpected.push(`${saleId}: ${orders} orders, but the counter says ${sold}`)
    }
  }
}
