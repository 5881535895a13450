import { setTimeout as delay } from 'node:timers/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { Pool } from 'pg'
import { freePort } from '../../dev/servers/ports.ts'
import { startService } from '../../dev/services.ts'
import { makeBacklog } from './backlog.ts'
import type { Servers } from './servers.ts'

export interface Case {
  subscriber: string
  events: number
  partitions: number
  processes: number
  batch: number
  /** Moved to so many partitions before the processes start. */
  spreadOver?: number
}

export interface Drained extends Case {
  seconds: number
  perSecond: number
  /** What the command said at its end. */
  said?: string
}

const LOOK_INTERVAL_MS = 100
const EVENTS_PER_ORDER = 2

/** From the start of the move, or of the processes, to the last event's effect. */
export async function drain(servers: Servers, given: Case): Promise<Drained> {
  const place = await servers.newPlace()
  const folder = given.subscriber === 'slow' ? { SUBSCRIBERS_FOLDER: 'loadtest/drain/effects' } : {}
  const env = {
    ...place,
    ...folder,
    PATH: process.env.PATH ?? '',
    LOG_LEVEL: 'warn',
    SUBSCRIBERS: given.subscriber,
    SMS_LOG_FILE: join(servers.folder, 'sms.log'),
    SUBSCRIBER_PARTITIONS: String(given.partitions),
    SUBSCRIBER_BATCH_MAX: String(given.batch),
  }
  let started = 0
  const start = async () =>
    startService({
      service: { name: 'subscribers' },
      env: { ...env, SUBSCRIBERS_PORT: String(await freePort()) },
      signal: new AbortController().signal,
      logFile: join(servers.folder, 'logs', `subscribers-${++started}.log`),
      onStart: servers.record.started.bind(servers.record),
    })
  // Makes the queues.
  await (await start()).stop()
  const orders = given.events / EVENTS_PER_ORDER
  await makeBacklog(place, orders)

  const pool = new Pool({ connectionString: place.DATABASE_URL, max: 1 })
  // It ends its connections, and does not wait until they are: the server's end may be faster.
  pool.on('error', () => {})
  const count = async (sequence: number) =>
    Number(
      (
        await pool.query<{ orders: string }>('SELECT count(*) AS orders FROM order_progress WHERE sequence >= $1', [
          sequence,
        ])
      ).rows[0]?.orders,
    )
  const beganMs = Date.now()
  const moved =
    given.spreadOver &&
    (await execa('node', ['dev/run.mjs', 'cli/spread.ts', given.subscriber, '--over', String(given.spreadOver)], {
      env,
    }))
  const running = await Promise.all(Array.from({ length: given.processes }, start))
  while ((await count(EVENTS_PER_ORDER)) < orders) await delay(LOOK_INTERVAL_MS)
  const seconds = (Date.now() - beganMs) / 1_000
  await Promise.all(running.map((one) => one.stop()))
  await pool.end()
  return {
    ...given,
    seconds,
    perSecond: Math.round(given.events / seconds),
    ...(moved ? { said: moved.stdout.trim() } : {}),
  }
}
