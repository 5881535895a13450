import type { Pool } from 'pg'
import type { Random } from '../../test/faults/support/random.ts'

/** A change of a row of the source, as the message about it says. */
export interface Change {
  row: number
  /** 1, 2, 3: which change of its row it is. */
  version: number
  does: 'insert' | 'update' | 'delete'
  /** What the row has afterwards; null: there is no such row any more. */
  value: string | null
}

/** Applies a change to the copy. */
export type Apply = (pool: Pool, change: Change) => Promise<unknown>

/** Each row is inserted and changed, and then deleted or changed once more. */
export function drawChanges(rows: number, random: Random): Change[] {
  return Array.from({ length: rows }, (_, i) => i + 1).flatMap((row): Change[] => [
    { row, version: 1, does: 'insert', value: 'v1' },
    { row, version: 2, does: 'update', value: 'v2' },
    random.chance(0.5)
      ? { row, version: 3, does: 'delete', value: null }
      : { row, version: 3, does: 'update', value: 'v3' },
  ])
}

/** The source is where it is after all changes, the copy is empty. */
export async function openTables(pool: Pool, changes: Change[]): Promise<void> {
  const left = changes.filter(({ version, value }) => version === 3 && value !== null)
  await pool.query(`
    CREATE TABLE lab_source (id int PRIMARY KEY, value text);
    CREATE TABLE lab_copy (id int PRIMARY KEY, value text, version int)`)
  const insert = 'INSERT INTO lab_source SELECT * FROM unnest($1::int[], $2::text[])'
  await pool.query(insert, [left.map(({ row }) => row), left.map(({ value }) => value)])
}

/** Does to the copy what was done to the source. */
export const replay: Apply = (pool, { row, does, value }) => {
  if (does === 'delete') return pool.query('DELETE FROM lab_copy WHERE id = $1', [row])
  if (does === 'update') return pool.query('UPDATE lab_copy SET value = $2 WHERE id = $1', [row, value])
  // A message may come twice.
  const insert =
    'INSERT INTO lab_copy (id, value) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET value = EXCLUDED.value'
  return pool.query(insert, [row, value])
}

/** Writes the row unless the copy has a newer version of it. A deleted row stays, without a value: a tombstone. */
export const newerOnly: Apply = (pool, { row, value, version }) =>
  pool.query(
    `INSERT INTO lab_copy (id, value, version) VALUES ($1, $2, $3)
     ON CONFLICT (id) DO UPDATE SET value = EXCLUDED.value, version = EXCLUDED.version
     WHERE lab_copy.version < EXCLUDED.version`,
    [row, value, version],
  )

/** By row; rows that are not there are missing. */
export async function readTable(pool: Pool, table: 'lab_source' | 'lab_copy'): Promise<Map<number, string>> {
  const { rows } = await pool.query<{ id: number; value: string }>(
    `SELECT id, value FROM ${table} WHERE value IS NOT NULL`,
  )
  return new Map(rows.map(({ id, value }) => [id, value]))
}
