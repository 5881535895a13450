import { writeSync } from 'node:fs'

/**
 * Named places where tests make a process die, so that they hit the worst moment instead of a random one.
 * `FAILPOINT=relay.beforeCommit` kills the process with SIGKILL, nothing closed and nothing flushed, when it first
 * reaches that place; `FAILPOINT=relay.beforeCommit:3` when it reaches it for the third time.
 *
 * They are part of the product, because the tested code must be the code that runs. Unless FAILPOINT names a place, and
 * always when NODE_ENV is production, each is a call of an empty function, which takes 1 ns.
 */

/** All places, in the order in which a purchase reaches them. A test in test/faults hits each. */
export const FAILPOINTS = [
  // Gateway: the unit is reserved in Redis; the message is written and confirmed, its pending entry is deleted, the
  // buyer gets the answer.
  'purchase.beforePublish',
  'publisher.beforeConfirm',
  'handOver.beforeForget',
  'purchase.beforeAnswer',
  'takeBack.beforeRelease',
  'takeBack.afterRelease',
  'resender.beforePublish',
  'resender.afterConfirm',
  // Order service: a batch is committed, acknowledged, settled in Redis; the outbox is published, then deleted.
  'placing.beforeCommit',
  'placing.beforeAck',
  'consumer.afterAck',
  'settling.afterWrite',
  'relay.beforePublish',
  'relay.beforeCommit',
  // Order service: a payment is committed, then settled in Redis; the provider accepts a refund, then it is recorded.
  'payment.beforeSettle',
  'refund.beforeWrittenDown',
  // Cancel worker: the order is cancelled, its unit released in Redis, the release recorded; for an abandoned
  // reservation the tombstone is written first and the unit released second.
  'cancelling.beforeUpdate',
  'cancelling.beforeRelease',
  'settling.beforeMarked',
  'sweeper.beforeRelease',
  // Cancel worker: some of those who came before the opening have their places; all have them; a batch is admitted.
  'shuffling.betweenBatches',
  'admitting.beforeBatch',
  'admitting.afterBatch',
  // Cancel worker: a sale is closed, fenced, refilled and opened again.
  'rebuilder.beforeFence',
  'rebuilder.afterFence',
  'rebuilder.beforeOpen',
  // Gateway: units have left one shard of a sale, then they have arrived in another.
  'moving.afterLeave',
  'moving.afterArrive',
  // The archiver: the sale's own row has moved, and nothing is committed; then its orders move, batch by batch.
  'archiving.beforeCommit',
  'archiving.beforeBatch',
  // Control room: a sale or the blacklist is changed in PostgreSQL, then in Redis. Units are taken from Redis first.
  'opening.beforeRedis',
  'changing.beforeRedis',
  'withdrawing.beforeCommit',
  'blacklisting.beforeRedis',
  // Subscribers: the effect is committed with the inbox row, or happens and is marked in Redis; then the event is
  // acknowledged.
  'subscriber.beforeEffect',
  'subscriber.beforeMark',
  'subscriber.beforeAck',
  // Sagas: a step is written, then its event; when a failure has come back to the order, the order is ended, then its
  // saga closed.
  'saga.beforeEvent',
  'saga.beforeClosed',
] as const
export type Failpoint = (typeof FAILPOINTS)[number]

interface Armed {
  name: Failpoint
  /** The process dies when it reaches the place for this time, counted from 1. */
  time: number
}

const armed = readArmed(process.env)
let timesReached = 0

/** Kills the process when FAILPOINT names this place. */
export const failpoint: (name: Failpoint) => void = armed
  ? (name) => {
      if (isDue(name)) die(name)
    }
  : () => {}

/**
 * Kills the process after the writes of this turn of the event loop were sent, and before an answer to them is read:
 * the AMQP client writes in the check phase after the call, and answers are read in the poll phases after that.
 */
export const failpointOnceSent: (name: Failpoint) => void = armed
  ? (name) => {
      if (isDue(name)) setImmediate(() => setImmediate(die, name))
    }
  : () => {}

function isDue(name: Failpoint): boolean {
  return name === armed?.name && ++timesReached === armed.time
}

function die(name: Failpoint): void {
  // Not through the logger, which may buffer.
  writeSync(2, `${diesAt(name)}\n`)
  process.kill(process.pid, 'SIGKILL')
}

/** The last line that a dying process writes. */
export const diesAt = (name: Failpoint) => `dies at failpoint ${name}`

/** @throws when FAILPOINT names an unknown place: a test would wait for a death that never happens. */
function readArmed({ FAILPOINT, NODE_ENV }: NodeJS.ProcessEnv): Armed | undefined {
  if (!FAILPOINT || NODE_ENV === 'production') return undefined
  const [wanted, time = '1'] = FAILPOINT.split(':')
  const name = FAILPOINTS.find((place) => place === wanted)
  if (!name || !/^[1-9]\d*$/.test(time))
    throw new Error(`FAILPOINT: expected name or name:count with one of ${FAILPOINTS.join(', ')}, got ${FAILPOINT}`)
  return { name, time: Number(time) }
}
