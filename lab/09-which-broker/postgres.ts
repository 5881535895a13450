import { setTimeout as sleep } from 'node:timers/promises'
import type { Pool } from 'pg'
import { CONSUMERS, bodyOf, idIn, type Message, type Topic } from './topic.ts'

/** Between two looks at an empty table. */
const POLL_MS = 10

/** A table as a queue: each consumer locks the rows that it takes, and skips those that others have locked. */
export async function openPostgresTopic(pool: Pool, name: string, partitions: number): Promise<Topic> {
  await pool.query(`
    CREATE TABLE IF NOT EXISTS ${name} (id bigserial PRIMARY KEY, partition int, due_at timestamptz, body text);
    CREATE INDEX IF NOT EXISTS ${name}_due ON ${name} (partition, due_at, id)`)
  const insert = `
    INSERT INTO ${name} (partition, due_at, body)
    SELECT key % ${partitions}, clock_timestamp() + delay_ms * interval '1 ms', body
    FROM unnest($1::int[], $2::int[], $3::text[]) WITH ORDINALITY AS message (key, delay_ms, body, n) ORDER BY n`
  const columns = (messages: Message[]) => [
    messages.map(({ key }) => key),
    messages.map(({ delayMs = 0 }) => delayMs),
    messages.map(bodyOf),
  ]
  const publish = async (messages: Message[]) => {
    await pool.query(insert, columns(messages))
  }
  return {
    publish,
    publishDelayed: publish,

    async rollBack(messages) {
      const client = await pool.connect()
      try {
        await client.query('BEGIN')
        await client.query(insert, columns(messages))
        await client.query('ROLLBACK')
      } finally {
        client.release()
      }
    },

    async consume({ atOnce }, handle) {
      let isOver = false
      /** @returns how many there were */
      const takeSome = async (consumer: number): Promise<number> => {
        const client = await pool.connect()
        try {
          await client.query('BEGIN')
          const { rows } = await client.query<{ id: string; body: string }>(
            `SELECT id, body FROM ${name} WHERE partition = $1 AND due_at <= clock_timestamp()
             ORDER BY due_at, id LIMIT $2 FOR UPDATE SKIP LOCKED`,
            [consumer % partitions, atOnce],
          )
          for (const { body } of rows) await handle(idIn(body), consumer)
          if (rows.length > 0)
            await client.query(`DELETE FROM ${name} WHERE id = ANY($1::bigint[])`, [rows.map(({ id }) => id)])
          await client.query('COMMIT')
          return rows.length
        } finally {
          client.release()
        }
      }
      const consume = async (consumer: number) => {
        while (!isOver) if ((await takeSome(consumer)) === 0) await sleep(POLL_MS)
      }
      const consuming = CONSUMERS.map(consume)
      return async () => {
        isOver = true
        await Promise.all(consuming)
      }
    },
  }
}
