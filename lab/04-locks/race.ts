import type { Pool, PoolClient } from 'pg'
import { inParallel } from '../../test/support/parallel.ts'
import type { Place } from '../frame/place.ts'

/** What one of the two calls did to an order, or was told. */
export interface Step {
  order: number
  who: 'pay' | 'cancel'
  did: 'LOCKED' | 'READ' | 'FROZEN' | 'WROTE' | 'DEADLOCK' | 'DONE' | 'REFUSED'
  /** The status of the order that it read or wrote, or that stands there after the answer. */
  row?: string
  at: number
  /** Until the answer. */
  tookMs?: number
}

export interface Change {
  order: number
  to: 'PAID' | 'CANCELLED'
  note: (did: Step['did'], row?: string) => void
}

/** Pays or cancels an order. @returns whether it did */
export type Way = (client: PoolClient, change: Change) => Promise<boolean>

/** So many orders are fought over at once. */
const AT_ONCE = 8

interface Races extends Pick<Place<Step>, 'pool' | 'now'> {
  /** Called for each order. */
  wayOf: () => Way
  record: (step: Step) => void
}

/** Pays and cancels so many orders, each in the same instant, over two connections. */
export async function races(orders: number, { pool, now, wayOf, record }: Races): Promise<void> {
  await openOrders(pool, orders)
  await inParallel(orders, AT_ONCE, (i) => race({ pool, now, record, way: wayOf(), order: i + 1 }))
}

async function openOrders(pool: Pool, count: number): Promise<void> {
  await pool.query(`
    CREATE TABLE lab_sales (id int PRIMARY KEY, sold int NOT NULL);
    CREATE TABLE lab_orders (id int PRIMARY KEY, status text NOT NULL);
    INSERT INTO lab_sales SELECT n, 1 FROM generate_series(1, ${count}) n;
    INSERT INTO lab_orders SELECT n, 'PENDING_PAYMENT' FROM generate_series(1, ${count}) n`)
}

interface Race extends Omit<Races, 'wayOf'> {
  way: Way
  order: number
}

async function race({ pool, now, way, order, record }: Race): Promise<void> {
  const call = async (who: Step['who']) => {
    const client = await pool.connect()
    const began = now()
    const change: Change = {
      order,
      to: who === 'pay' ? 'PAID' : 'CANCELLED',
      note: (did, row) => record({ order, who, did, at: now(), ...(row === undefined ? {} : { row }) }),
    }
    try {
      const isDone = await way(client, change)
      const { rows } = await client.query<{ status: string }>('SELECT status FROM lab_orders WHERE id = $1', [order])
      const at = now()
      record({ order, who, did: isDone ? 'DONE' : 'REFUSED', row: rows[0]?.status ?? '', at, tookMs: at - began })
    } finally {
      client.release()
    }
  }
  await Promise.all([call('pay'), call('cancel')])
}
