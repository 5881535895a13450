import {
  DELAYED_TIMEOUTS,
  delayedExchangeTopology,
  delayQueueTopology,
  DUE,
  TIMEOUTS,
  waitingRoom,
} from '../../contracts/timeout-topology.ts'
import type { Topology } from '../../contracts/topology.ts'
import type { Logger } from '../process/log.ts'
import { connectToBroker } from './brokers.ts'
import type { Outgoing } from './confirmed.ts'

/** What holds a message back for a fixed time before it reaches the cancellations. */
export interface DelayTransport {
  kind: 'plugin' | 'queue'
  /** What a publisher has to declare. */
  topology: Topology
  /** Where to publish so that the message arrives `delayMs` later. */
  route: Pick<Outgoing, 'exchange' | 'routingKey' | 'headers' | 'mandatory'>
}

export type DelayChoice = 'auto' | 'plugin' | 'queue'

/**
 * `auto` takes the plugin where the broker has it, and the queue everywhere else. @throws when the broker cannot be
 * reached.
 */
export async function chooseDelayTransport(
  url: string,
  choice: DelayChoice,
  delayMs: number,
  log: Logger,
): Promise<DelayTransport> {
  const kind = choice === 'auto' ? ((await hasDelayedExchange(url, log)) ? 'plugin' : 'queue') : choice
  log.info({ kind, delayMs }, 'transport of delayed messages chosen')
  return kind === 'plugin' ? byPlugin(delayMs) : byQueue(delayMs)
}

/** A transport that is chosen when the broker is there: a service starts also while it is away. */
export interface DelayChosenLater extends DelayTransport {
  /** To be called with every connection: the next broker may have the plugin no more. @returns what to declare */
  choose: () => Promise<Topology>
}

export function chooseDelayLater(url: string, choice: DelayChoice, delayMs: number, log: Logger): DelayChosenLater {
  let chosen = byQueue(delayMs)
  return {
    get kind() {
      return chosen.kind
    },
    get topology() {
      return chosen.topology
    },
    get route() {
      return chosen.route
    },
    async choose() {
      chosen = await chooseDelayTransport(url, choice, delayMs, log)
      return chosen.topology
    },
  }
}

function byQueue(delayMs: number): DelayTransport {
  return {
    kind: 'queue',
    topology: delayQueueTopology(delayMs),
    route: { exchange: TIMEOUTS, routingKey: waitingRoom(delayMs), mandatory: true },
  }
}

function byPlugin(delayMs: number): DelayTransport {
  return {
    kind: 'plugin',
    topology: delayedExchangeTopology,
    // The plugin returns every delayed message as unroutable and delivers it later all the same.
    route: { exchange: DELAYED_TIMEOUTS, routingKey: DUE, headers: { 'x-delay': delayMs }, mandatory: false },
  }
}

/**
 * Asks by declaring the exchange under a throw-away name on a throw-away connection: where the type is unknown,
 * RabbitMQ 3.10 closes the whole connection (503 COMMAND_INVALID) and says so only in its `error` event, 4.x the
 * channel.
 */
async function hasDelayedExchange(url: string, log: Logger): Promise<boolean> {
  const connection = await connectToBroker(url, 'delayed exchange')
  connection.on('error', (error: Error) => log.debug({ err: error.message }, 'the broker has no delayed exchange'))
  try {
    const channel = await connection.createChannel()
    channel.on('error', (error: Error) => log.debug({ err: error.message }, 'the broker has no delayed exchange'))
    const probe = `${DELAYED_TIMEOUTS}.probe.${process.pid}`
    await channel.assertExchange(probe, 'x-delayed-message', {
      durable: false,
      autoDelete: true,
      arguments: { 'x-delayed-type': 'direct' },
    })
    await channel.deleteExchange(probe)
    return true
  } catch (error) {
    log.debug({ err: error }, 'probe refused')
    return false
  } finally {
    await connection
      .close()
      .catch((error: Error) => log.debug({ err: error.message }, 'probe connection was closed by the broker'))
  }
}
