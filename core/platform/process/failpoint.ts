import { writeSync } from 'node:fs'

/**
 * Named places where a process can be made to die, so that tests can kill it at the worst moment and not merely at
 * some. `FAILPOINT=relay.beforeCommit` kills the process with SIGKILL, nothing closed and nothing flushed, when it
 * first comes by that place; `FAILPOINT=relay.beforeCommit:3` when it comes by for the third time.
 *
 * They are compiled in, because the code that is tested has to be the code that runs. Unless FAILPOINT names one of
 * them, and always when NODE_ENV is production, each is a call of an empty function, which takes 1 ns.
 */

/** Every place there is, in the order in which a purchase comes by them. Each is hit by a test in test/faults. */
export const FAILPOINTS = [
  // Gateway: the unit is set aside in Redis; the message is written, confirmed, its pending entry deleted, the buyer
  // told.
  'purchase.beforePublish',
  'publisher.beforeConfirm',
  'handOver.beforeForget',
  'purchase.beforeAnswer',
  'takeBack.beforeRelease',
  'takeBack.afterRelease',
  'resender.beforePublish',
  'resender.afterConfirm',
  // Order service: a batch is committed, acknowledged, settled in Redis; the outbox is published, then emptied.
  'placing.beforeCommit',
  'placing.beforeAck',
  'consumer.afterAck',
  'settling.afterWrite',
  'relay.beforePublish',
  'relay.beforeCommit',
  // Order service: money is committed, then settled in Redis; a refund is taken by the provider, then written down.
  'payment.beforeSettle',
  'refund.beforeWrittenDown',
  // Cancel worker: the order is cancelled, its unit released in Redis, the release written down; tombstone first,
  // release second.
  'cancelling.beforeUpdate',
  'cancelling.beforeRelease',
  'settling.beforeMarked',
  'sweeper.beforeRelease',
  // Cancel worker: a sale is closed, fenced, filled in and opened again.
  'rebuilder.beforeFence',
  'rebuilder.afterFence',
  'rebuilder.beforeOpen',
  // The archiver: all rows of a sale have moved, and nothing is committed.
  'archiving.beforeCommit',
  // Control room: a sale is created or changed in PostgreSQL, or buyers are listed or unlisted; then Redis is told.
  'opening.beforeRedis',
  'rescheduling.beforeRedis',
  'blacklisting.beforeRedis',
  // Subscribers: the inbox row is written, the effect committed with it, or it happens and is marked in Redis; then it
  // is acknowledged.
  'subscriber.beforeEffect',
  'subscriber.beforeMark',
  'subscriber.beforeAck',
  // Whoever takes a step of a saga: it is written, then told of; the order to which a failure came back is ended, then
  // its saga closed.
  'saga.beforeEvent',
  'saga.beforeClosed',
] as const
export type Failpoint = (typeof FAILPOINTS)[number]

interface Armed {
  name: Failpoint
  /** Dies when it comes by for this time. */
  time: number
}

const armed = readArmed(process.env)
let times = 0

/** Dies here, when this is the place. */
export const failpoint: (name: Failpoint) => void = armed
  ? (name) => {
      if (isTime(name)) die(name)
    }
  : () => {}

/**
 * Dies when what this turn of the event loop writes has left the process, and before any answer to it is read: the
 * client of the broker writes in the check phase after the call, and answers are read in the poll phases after that.
 */
export const failpointOnceSent: (name: Failpoint) => void = armed
  ? (name) => {
      if (isTime(name)) setImmediate(() => setImmediate(die, name))
    }
  : () => {}

function isTime(name: Failpoint): boolean {
  return name === armed?.name && ++times === armed.time
}

function die(name: Failpoint): void {
  // Without the logger, which may write later, and later never comes.
  writeSync(2, `${diesAt(name)}\n`)
  process.kill(process.pid, 'SIGKILL')
}

/** What a process says last. */
export const diesAt = (name: Failpoint) => `dies at failpoint ${name}`

/** @throws when FAILPOINT names no place there is: a test would wait for a death that never comes. */
function readArmed({ FAILPOINT, NODE_ENV }: NodeJS.ProcessEnv): Armed | undefined {
  if (!FAILPOINT || NODE_ENV === 'production') return undefined
  const [given, time = '1'] = FAILPOINT.split(':')
  const name = FAILPOINTS.find((place) => place === given)
  if (!name || !/^[1-9]\d*$/.test(time))
    throw new Error(`FAILPOINT: expected name or name:count with one of ${FAILPOINTS.join(', ')}, got ${FAILPOINT}`)
  return { name, time: Number(time) }
}
