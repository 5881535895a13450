import type { Redis } from 'ioredis'
import { type RedisClient, serverOf } from '../platform/stores/redis.ts'

/** A known id is asked for again in the background after this long … */
const RENEWED_AFTER_MS = 500
/** … and is not used when it is older: an idle connection asks before its next call. */
const AGE_MS_MAX = 1_000
/** Of each id: a field of up to 64 bytes keeps a hash compact in Redis. */
const DIGITS = 20

interface Known {
  id: Promise<string>
  askedAtMs: number
  isRenewing: boolean
}
const knownOf = new WeakMap<Redis, Known>()
const watched = new WeakSet<Redis>()

/**
 * Names the run of the server that has a key: a time in which it kept its data. Ledgers name the run in which they are
 * valid, since that is what an older copy of them cannot bring back. A run ends with the process (its run id), and when
 * another server's data replaces its own or it takes over from another (its replication id); then its connections may
 * stay open. So it is asked on every connection, and again all the time.
 *
 * A server also takes a new replication id when its first replica attaches: its sales are then rebuilt for nothing.
 * @throws when Redis does not answer.
 */
export async function serverRunId(client: RedisClient, key: string): Promise<string> {
  const redis = serverOf(client, key)
  if (!watched.has(redis)) {
    watched.add(redis)
    redis.on('close', () => knownOf.delete(redis))
  }
  const known = knownOf.get(redis)
  const ageMs = performance.now() - (known?.askedAtMs ?? -Infinity)
  if (!known || ageMs > AGE_MS_MAX) return remember(redis, ask(redis))
  if (ageMs > RENEWED_AFTER_MS && !known.isRenewing) {
    known.isRenewing = true
    renew(redis, known)
  }
  return known.id
}

function renew(redis: Redis, known: Known): void {
  const askedAtMs = performance.now()
  ask(redis).then(
    (id) => {
      if (knownOf.get(redis) === known) knownOf.set(redis, { id: Promise.resolve(id), askedAtMs, isRenewing: false })
    },
    () => {
      known.isRenewing = false // Once it is too old, the next call asks, and throws.
    },
  )
}

/** Calls that come before the answer share it. */
async function remember(redis: Redis, id: Promise<string>): Promise<string> {
  const known = { id, askedAtMs: performance.now(), isRenewing: false }
  knownOf.set(redis, known)
  try {
    return await id
  } catch (error) {
    if (knownOf.get(redis) === known) knownOf.delete(redis)
    throw error
  }
}

async function ask(redis: Redis): Promise<string> {
  const info = await redis.info('server', 'replication')
  const [runId, replicationId] = ['run_id', 'master_replid'].map(
    (name) => new RegExp(`^${name}:(\\w+)`, 'm').exec(info)?.[1],
  )
  if (runId === undefined || replicationId === undefined)
    throw new Error('INFO: expected a run_id and a master_replid; is this Redis, and may this user ask?')
  return `${runId.slice(0, DIGITS)}-${replicationId.slice(0, DIGITS)}`
}
