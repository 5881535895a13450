import { setTimeout as delay } from 'node:timers/promises'
import type { ChannelModel } from 'amqplib'
import { type SpreadQueues, type SubscriberQueues, subscriberQueues } from '../../core/contracts/subscriber-topology.ts'
import type { Database, SpreadStage } from '../../core/platform/stores/database.ts'
import type { Logger } from '../../core/platform/process/log.ts'
import { openChannel } from '../../core/platform/rabbit/connection.ts'
import { declare } from '../../core/platform/rabbit/declare.ts'
import type { DepthReader } from '../../core/platform/rabbit/depth-reader.ts'
import { beginSpreading, endSpreading, haveAllCome, setStage } from './stages.ts'

const LOOK_INTERVAL_MS = 500
/** Waiting events of each queue at which a backlog counts as drained: new ones come all the time. */
const LEFT_PER_QUEUE = 10

export interface SpreadDeps {
  database: Database
  model: ChannelModel
  depths: DepthReader
  log: Logger
  /** Told how many events wait, twice a second. */
  onLook: (waiting: number) => void
  stop: AbortSignal
}

/**
 * Spreads the backlog of a subscriber over more queues until it is drained, and restores what was before. Its processes
 * move the events and handle them; what is done here is to say when, since only then an order's events stay in
 * sequence:
 *
 * - SPREADING: each partition is moved by the one process that has it, in its order, and new events follow behind;
 * - GATHERING, once everything is drained: new events are handled where they are, while the last of the others are, too
 *   (one that came too early waits for its predecessor, as always);
 * - NONE, once the further queues are empty: nobody consumes them, and they are deleted.
 *
 * Each step waits until every process has taken the one before. Interrupted anywhere it is to be run again, and goes
 * on.
 */
export async function spreadBacklog(deps: SpreadDeps, name: string, wantedOver: number): Promise<void> {
  const { database } = deps
  await claim(deps, name)
  const { partitions, spreadOver } = await database.subscription.findUniqueOrThrow({ where: { name } })
  const queues = subscriberQueues(name, partitions, [])
  const spread = queues.spreadOver(spreadOver ?? wantedOver)
  // Bound before anybody moves anything.
  await declare(deps.model, spread.topology, deps.log)
  await beginSpreading(database, name, spread.queues.length)
  await everybodyAt(deps, name, 'SPREADING')
  await drained(deps, queues, spread)
  await setStage(database, name, 'GATHERING')
  await everybodyAt(deps, name, 'GATHERING')
  await unbind(deps, spread)
  await emptied(deps, name, spread)
  await takeDown(deps, spread)
  await endSpreading(database, name)
}

/** One command at a time: what is exclusive goes with its connection. */
async function claim({ model }: SpreadDeps, name: string): Promise<void> {
  const channel = await model.createChannel()
  channel.on('error', () => {
    /* The rejected call says the same. */
  })
  await channel
    .assertQueue(`${subscriberQueues(name, 0, []).exchange}.spreading`, { exclusive: true, durable: false })
    .catch((error: unknown) => {
      throw new Error(`The backlog of ${name} is being spread already`, { cause: error })
    })
}

async function everybodyAt({ database, stop }: SpreadDeps, name: string, stage: SpreadStage): Promise<void> {
  while (!(await haveAllCome(database, name, stage))) await pause(stop)
}

async function drained(deps: SpreadDeps, { partitions }: SubscriberQueues, { queues }: SpreadQueues): Promise<void> {
  while ((await waitingIn(deps, [...partitions, ...queues])) > LEFT_PER_QUEUE * queues.length) await pause(deps.stop)
}

/** What a process that died had in hand comes back when nobody consumes any more: then somebody has to, once more. */
async function emptied(deps: SpreadDeps, name: string, spread: SpreadQueues): Promise<void> {
  const { queues } = spread
  do {
    await setStage(deps.database, name, 'GATHERING')
    await everybodyAt(deps, name, 'GATHERING')
    while ((await waitingIn(deps, queues)) > 0) await pause(deps.stop)
    await setStage(deps.database, name, 'NONE')
    await everybodyAt(deps, name, 'NONE')
    await leftAlone(deps, spread)
  } while ((await waitingIn(deps, queues)) > 0)
}

/**
 * What a consumer has in hand waits nowhere, and would go with its queue. Who has not said for long that it is here may
 * be cut off from PostgreSQL only: the broker knows whether it is gone.
 */
async function leftAlone({ model, log, stop }: SpreadDeps, { queues }: SpreadQueues): Promise<void> {
  const channel = await openChannel(model, log)
  for (const queue of queues) while ((await channel.checkQueue(queue)).consumerCount > 0) await pause(stop)
  await channel.close()
}

async function waitingIn({ depths, onLook }: SpreadDeps, queues: string[]): Promise<number> {
  const waiting = (await depths.depths(queues)).reduce((sum, depth) => sum + depth, 0)
  onLook(waiting)
  return waiting
}

/**
 * From then on nothing gets in, not even from a process that has slept through it all: it is refused, and asks again.
 */
async function unbind({ model, log }: SpreadDeps, { topology }: SpreadQueues): Promise<void> {
  const channel = await openChannel(model, log)
  for (const { queue, exchange, routingKey } of topology.bindings)
    await channel.unbindQueue(queue, exchange, routingKey)
  await channel.close()
}

async function takeDown({ model, log }: SpreadDeps, { exchange, queues }: SpreadQueues): Promise<void> {
  const channel = await openChannel(model, log)
  await channel.deleteExchange(exchange)
  for (const queue of queues) await channel.deleteQueue(queue)
  await channel.close()
}

async function pause(stop: AbortSignal): Promise<void> {
  await delay(LOOK_INTERVAL_MS, undefined, { signal: stop })
}
