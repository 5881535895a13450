import { setTimeout as delay } from 'node:timers/promises'
import { Pool } from 'pg'
import { subscriberQueues } from '../../core/contracts/subscriber-topology.ts'
import { CANCELLATIONS } from '../../core/contracts/timeout-topology.ts'
import { INTAKE } from '../../core/contracts/topology.ts'
import { createDepthReader, type DepthReader } from '../../core/platform/rabbit/depth-reader.ts'
import { giveCouponsAndPoints } from './coupons-and-points.ts'
import type { PaidOrder, Percentiles } from './load/plan.ts'
import { addMs, durations, percentiles } from './load/tally.ts'
import type { System } from './system.ts'

const ANSWER_LIMIT_MS = 120_000
const QUIET_LIMIT_MS = 90_000
/** A backlog of a full bench takes minutes. */
const DONE_LIMIT_MS = 900_000
const LOOK_EVERY_MS = 250
const HOUR_MS = 3_600_000
/** The most a sale can have, more than the bench buys. */
const STOCK = 10_000_000

/** As much of the control room's answer as is asked for here. */
interface AuditReport {
  balanced: boolean
  quiet: boolean
  sales: { saleId: string; sold: number; checks: { name: string; state: string; detail: string }[] }[]
}

const UNFINISHED = `
  SELECT (SELECT coalesce(sum(size), 0)::int FROM outbox) AS outbox, (
    SELECT count(*)::int FROM pg_stat_activity
    WHERE datname = current_database() AND state <> 'idle' AND pid <> pg_backend_pid()
  ) AS transactions`

/** The shop as its operator sees it: sales, what is still to be done, and the audit. */
export class Shop {
  /** How many were told 202 in each sale. */
  readonly accepted = new Map<string, number>()
  readonly #system: System
  readonly #pool: Pool
  readonly #queues: DepthReader
  readonly #shards: number
  readonly #signal: AbortSignal | undefined

  /** @param shards of each sale @param signal ends the waiting for what is still to be done */
  constructor(system: System, shards: number, signal?: AbortSignal) {
    this.#system = system
    this.#shards = shards
    this.#signal = signal
    this.#pool = new Pool({ connectionString: system.env.DATABASE_URL, max: 1 })
    this.#queues = createDepthReader(system.servers.rabbitmqUrl)
  }

  async close(): Promise<void> {
    await this.#queues.close()
    await this.#pool.end()
  }

  /** Open since a second ago, for hours. */
  async openSale(stock = STOCK): Promise<string> {
    const saleId = `bench-${this.accepted.size + 1}`
    await this.#ask('/sales', {
      id: saleId,
      title: 'Bench',
      priceCents: 1_000,
      stock,
      shards: this.#shards,
      opensAt: new Date(Date.now() - 1_000),
      closesAt: new Date(Date.now() + 6 * HOUR_MS),
    })
    this.accepted.set(saleId, 0)
    return saleId
  }

  /** For so many buyers. @returns the prefix of the coupons' codes */
  async giveCouponsAndPoints(saleId: string, buyers: number): Promise<string> {
    return await giveCouponsAndPoints(this.#pool, saleId, buyers)
  }

  /** Units in orders, of all sales. */
  async sold(): Promise<number> {
    return (await this.#rows<{ sold: number }>('SELECT coalesce(sum(sold), 0)::int AS sold FROM sales'))[0]?.sold ?? 0
  }

  /** Reservations that are owed an order, in all sales of the bench. */
  async undecided(): Promise<number> {
    return [...this.accepted.values()].reduce((sum, count) => sum + count, 0) - (await this.sold())
  }

  /** Resolves when nothing is undecided, queues and outbox are empty; after a limit with what is left, in words. */
  async untilDone(): Promise<string | undefined> {
    // A message may be in hand, before its transaction begins: only two looks are believed.
    const until = Date.now() + DONE_LIMIT_MS
    for (let quietLooks = 0; quietLooks < 2; await delay(LOOK_EVERY_MS, undefined, { signal: this.#signal })) {
      const left = await this.#unfinished()
      quietLooks = left === '' ? quietLooks + 1 : 0
      if (left !== '' && Date.now() > until) return left
    }
    return undefined
  }

  async #unfinished(): Promise<string> {
    const [inDatabase] = await this.#rows<{ outbox: number; transactions: number }>(UNFINISHED)
    const isWorking = this.#system.isOrderServiceRunning()
    const left = {
      undecided: isWorking ? await this.undecided() : 0,
      'in the outbox': inDatabase?.outbox ?? 0,
      'open transactions': inDatabase?.transactions ?? 0,
    }
    // Some twenty questions to the broker: not while they would cost others their CPU.
    const inQueues = Object.values(left).some((count) => count > 0) ? 0 : await this.#inQueues(isWorking)
    return Object.entries({ ...left, 'in queues': inQueues })
      .filter(([, count]) => count > 0)
      .map(([what, count]) => `${count} ${what}`)
      .join(', ')
  }

  async #inQueues(withIntake: boolean): Promise<number> {
    const subscriptions = await this.#rows<{ name: string; partitions: number }>(
      'SELECT name, partitions FROM subscriptions',
    )
    const ofSubscribers = subscriptions.flatMap(({ name, partitions }) => {
      const queues = subscriberQueues(name, partitions, [])
      return [...queues.partitions, queues.held]
    })
    const depths = await this.#queues.depths([...(withIntake ? [INTAKE] : []), CANCELLATIONS, ...ofSubscribers])
    return depths.reduce((sum, depth) => sum + depth, 0)
  }

  /** When the transaction of the newest effect of a subscriber with an inbox began; 0 when there is none. */
  async lastEffectAtMs(): Promise<number> {
    const [row] = await this.#rows<{ at: Date | null }>('SELECT max(handled_at) AS at FROM inbox')
    return row?.at?.getTime() ?? 0
  }

  /**
   * From the 202 to the last effect of each paid order, of all subscribers with an inbox, as far as the start of its
   * transaction.
   */
  async toLastEffect(orders: PaidOrder[]): Promise<Percentiles> {
    const rows = await this.#rows<{ id: string; at: Date }>(
      `SELECT order_id AS id, max(handled_at) AS at FROM inbox
      WHERE order_id = ANY($1::uuid[]) GROUP BY order_id`,
      [orders.map(({ id }) => id)],
    )
    const acceptedAtMs = new Map(orders.map((order) => [order.id, order.acceptedAtMs]))
    const found = durations()
    for (const { id, at } of rows) addMs(found, at.getTime() - (acceptedAtMs.get(id) ?? 0))
    return percentiles(found)
  }

  /** Of all sales at rest: what the shop's audit finds, and whether as many units are sold as there were 202. */
  async audit(): Promise<string[]> {
    let report = await this.#ask<AuditReport>('/audit')
    for (const until = Date.now() + QUIET_LIMIT_MS; report.balanced && !report.quiet && Date.now() < until; ) {
      await delay(2 * LOOK_EVERY_MS)
      report = await this.#ask<AuditReport>('/audit')
    }
    const wrong = report.sales.flatMap(({ saleId, checks }) =>
      checks.filter(({ state }) => state !== 'ok').map(({ name, detail }) => `${saleId}: ${name}: ${detail}`),
    )
    const soldIn = new Map(report.sales.map(({ saleId, sold }) => [saleId, sold]))
    const miscounted = [...this.accepted]
      .filter(([saleId, accepted]) => soldIn.get(saleId) !== accepted)
      .map(([saleId, accepted]) => `${saleId}: ${accepted} buyers were told 202, units sold: ${soldIn.get(saleId)}`)
    return [...wrong, ...miscounted, ...(report.quiet ? [] : ['audit: something is still on its way'])]
  }

  async #ask<Answer>(path: string, body?: object): Promise<Answer> {
    const { CONTROL_ROOM_URL = '', ADMIN_TOKEN = '' } = this.#system.env
    const answer = await fetch(CONTROL_ROOM_URL + path, {
      method: body ? 'POST' : 'GET',
      signal: AbortSignal.timeout(ANSWER_LIMIT_MS),
      headers: { authorization: `Bearer ${ADMIN_TOKEN}`, 'content-type': 'application/json' },
      ...(body && { body: JSON.stringify(body) }),
    })
    if (!answer.ok) throw new Error(`The control room answered ${answer.status} to ${path}: ${await answer.text()}`)
    return (await answer.json()) as Answer
  }

  async #rows<Row extends object>(text: string, values: unknown[] = []): Promise<Row[]> {
    return (await this.#pool.query<Row>(text, values)).rows
  }
}
