import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { PoolClient } from 'pg'
import type { Place } from '../frame/place.ts'
import type { Step, Way, Change } from './race.ts'

const READ = 'SELECT status FROM lab_orders WHERE id = $1'
const WRITE = 'UPDATE lab_orders SET status = $2 WHERE id = $1'

/** Between its read and its write the other call may write. */
export const noLock: Way = (client, change) => readThenWrite(client, change, READ)

/** The read takes the lock of the row, and keeps it until COMMIT. */
export const selectForUpdate: Way = async (client, change) => {
  await client.query('BEGIN')
  const isDone = await readThenWrite(client, change, `${READ} FOR UPDATE`)
  await client.query('COMMIT')
  return isDone
}

/** No read: PostgreSQL evaluates the WHERE under the lock of the row. */
export const optimistic: Way = async (client, { order, to, note }) => {
  const { rowCount } = await client.query(`${WRITE} AND status = 'PENDING_PAYMENT'`, [order, to])
  if (rowCount === 1) note('WROTE', to)
  return rowCount === 1
}

/** Paying locks the order and then its sale, cancelling the sale and then the order: each may wait for the other. */
export const crossedLocks: Way = async (client, change) => {
  const lockSale = () => client.query('SELECT FROM lab_sales WHERE id = $1 FOR UPDATE', [change.order])
  const readOrder = () => readThenWrite(client, change, `${READ} FOR UPDATE`)
  for (;;) {
    try {
      // PostgreSQL looks for deadlocks after a second by default.
      await client.query("BEGIN; SET LOCAL deadlock_timeout = '10ms'")
      if (change.to === 'CANCELLED') await lockSale()
      const isDone = await readOrder()
      if (change.to === 'PAID') await lockSale()
      await client.query('COMMIT')
      return isDone
    } catch (error) {
      await client.query('ROLLBACK')
      if ((error as { code?: string }).code !== DEADLOCK_DETECTED) throw error
      change.note('DEADLOCK')
    }
  }
}

const DEADLOCK_DETECTED = '40P01'

/** Deletes the lock only if it is still the caller's. */
const UNLOCK = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"

/** A key in Redis that expires, since its holder may die. A payment may freeze between its read and its write. */
export function distributedLock(
  { world: { redis, keyPrefix } }: Place<Step>,
  { lockMs, isFrozen }: { lockMs: number; isFrozen: boolean },
): Way {
  return async (client, change) => {
    const key = `${keyPrefix}lock:${change.order}`
    const owner = randomUUID()
    while ((await redis.set(key, owner, 'PX', lockMs, 'NX')) === null) await sleep(1)
    change.note('LOCKED')
    const freeze = async () => {
      if (change.to !== 'PAID' || !isFrozen) return
      change.note('FROZEN')
      // Until the lock has expired and the other call has had its turn, however fast the machine is.
      while ((await readStatus(client, change)) === 'PENDING_PAYMENT') await sleep(lockMs / 2)
    }
    try {
      return await readThenWrite(client, change, READ, freeze)
    } finally {
      await redis.eval(UNLOCK, 1, key, owner)
    }
  }
}

async function readThenWrite(
  client: PoolClient,
  { order, to, note }: Change,
  read: string,
  between: () => Promise<void> = async () => {},
): Promise<boolean> {
  const status = await readStatus(client, { order }, read)
  note('READ', status)
  if (status !== 'PENDING_PAYMENT') return false
  await between()
  await client.query(WRITE, [order, to])
  note('WROTE', to)
  return true
}

async function readStatus(client: PoolClient, { order }: Pick<Change, 'order'>, read = READ): Promise<string> {
  const { rows } = await client.query<{ status: string }>(read, [order])
  return rows[0]?.status ?? ''
}
