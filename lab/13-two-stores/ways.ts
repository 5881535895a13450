import type { Redis } from 'ioredis'
import type { Place } from '../frame/place.ts'
import { rename, titleKey } from './rename.ts'

/** What a rename came to, and what stands in both stores once all is quiet. */
export interface Entry {
  sale: string
  answer: 'RENAMED' | 'RESTORED' | 'FAILED' | 'DIED'
  row: string
  copy: string | null
  at: number
}

/** What happens between the first step and the second. */
export type Fault = 'REFUSED' | 'DIED'

type Cache = Pick<Redis, 'set' | 'del'>
export type Rename = (place: Place<Entry>, cache: Cache, saleId: string, title: string) => Promise<Entry['answer']>

/** The row, then the copy; when the copy cannot be written, an error is all that is left. */
export const withoutUndoing: Rename = async ({ pool }, cache, saleId, title) => {
  await pool.query('UPDATE sales SET title = $2 WHERE id = $1', [saleId, title])
  return cache.set(titleKey(saleId), title).then(
    () => 'RENAMED',
    () => 'FAILED',
  )
}

/** The smallest saga: when the second step fails, the first is undone. */
export const undoing: Rename = async ({ world }, cache, saleId, title) =>
  (await rename(world.database, cache, saleId, title)) === 'RENAMED' ? 'RENAMED' : 'RESTORED'

/** The outstanding step is written in the row's own transaction; `sweep` repeats it until it is done. */
export const notingFirst: Rename = async ({ pool }, cache, saleId, title) => {
  await pool.query(
    `WITH renamed AS (UPDATE sales SET title = $2 WHERE id = $1 RETURNING id)
     INSERT INTO lab_outstanding SELECT id FROM renamed`,
    [saleId, title],
  )
  await cache.set(titleKey(saleId), title).then(
    () => pool.query('DELETE FROM lab_outstanding WHERE sale_id = $1', [saleId]),
    () => 'swept later',
  )
  return 'RENAMED'
}

/** Takes the steps that are outstanding, as a sweeper does after a crash. */
async function sweep({ pool, world: { redis } }: Place<Entry>): Promise<void> {
  const { rows } = await pool.query<{ id: string; title: string }>(
    'SELECT id, title FROM lab_outstanding JOIN sales ON id = sale_id',
  )
  for (const { id, title } of rows) {
    await redis.set(titleKey(id), title)
    await pool.query('DELETE FROM lab_outstanding WHERE sale_id = $1', [id])
  }
}

/** Renames sales. The second step of every third fails; `fault` says how. */
export async function renameAll(place: Place<Entry>, way: Rename, fault: Fault): Promise<void> {
  const { pool, world, now } = place
  const count = place.amount(60, 9)
  await pool.query('CREATE TABLE lab_outstanding (sale_id text PRIMARY KEY)')
  await pool.query(
    `INSERT INTO sales (id, title, price_cents, stock, opens_at, closes_at)
     SELECT $2::text || '-' || n, 'old', 100, 1, now(), now() + interval '1 hour' FROM generate_series(1, $1::int) n`,
    [count, world.name],
  )
  for (let n = 1; n <= count; n++) {
    const id = `${world.name}-${n}`
    const key = titleKey(id)
    place.defer(() => world.redis.del(key))
    await world.redis.set(key, 'old')
    const answer = await (n % 3 === 0 ? struck(place, way, id, fault) : way(place, world.redis, id, 'new'))
    await sweep(place)
    const { rows } = await pool.query<{ title: string }>('SELECT title FROM sales WHERE id = $1', [id])
    const copy = await world.redis.get(key)
    place.record({ sale: id, answer, row: rows[0]?.title ?? '', copy, at: now() })
  }
}

/** A process that has died takes no further step: its promise stays open for ever. */
async function struck(place: Place<Entry>, way: Rename, id: string, fault: Fault): Promise<Entry['answer']> {
  const { redis } = place.world
  let die = (): void => {}
  const died = new Promise<Entry['answer']>((resolve) => {
    die = () => resolve('DIED')
  })
  const set = () => {
    if (fault === 'REFUSED') return Promise.reject(new Error('OOM command not allowed'))
    die()
    return new Promise<never>(() => {})
  }
  const cache: Cache = { set, del: redis.del.bind(redis) }
  return Promise.race([died, way(place, cache, id, 'new')])
}
