import { setTimeout as delay } from 'node:timers/promises'
import { connect, type ChannelModel, type RecoveringChannelModel } from 'amqplib'
import type { Logger } from '../process/log.ts'
import { brokersInTurn, socketOptions } from './brokers.ts'

export interface RabbitOptions {
  /** Of one node, or of several, separated by commas. */
  url: string
  /** Shown in the broker's list of connections. */
  name: string
  log: Logger
  /** Builds channels and consumers; called anew after every reconnect, because those die with their connection. */
  setup: (model: ChannelModel) => Promise<void>
}

export interface RabbitConnection {
  /** Connected and set up. */
  isUp: () => boolean
  /** The broker takes no publishes for now (memory or disk alarm). */
  isBlocked: () => boolean
  close: () => Promise<void>
}

/** Resolves at once: it connects, and reconnects, in the background; `isUp` says whether it has. */
export async function connectRabbit({ url, name, log, setup }: RabbitOptions): Promise<RabbitConnection> {
  const nextBroker = brokersInTurn(url)
  const address = { ...nextBroker() }
  const connection = await connect(address, {
    ...socketOptions(name),
    recovery: {
      waitForConnect: false,
      initialDelay: 100,
      maxDelay: 2_000,
      async setup(model: ChannelModel) {
        // A connection-level error during set-up is rethrown as uncaught without a listener.
        model.on('error', (error: Error) =>
          log.warn({ err: error.message, connection: name }, 'broker connection failed'),
        )
        await unlessClosed(model, setup(model))
      },
    },
  })
  // amqplib reads the address anew at every attempt.
  connection.on('reconnect-scheduled', () => Object.assign(address, nextBroker()))
  return { ...followState(connection, name, log), close: () => withinLimit(connection.close()) }
}

/** Keeps up with the connection's state, and logs its changes. */
function followState(
  connection: RecoveringChannelModel,
  name: string,
  log: Logger,
): Pick<RabbitConnection, 'isUp' | 'isBlocked'> {
  let up = false
  let blocked = false
  connection.on('connect', () => {
    up = true
    blocked = false
    log.info({ connection: name }, 'broker connected')
  })
  connection.on('disconnect', () => {
    up = false
    log.warn({ connection: name }, 'connection to the broker lost, reconnecting')
  })
  connection.on('connect-failed', (error: Error & { code?: number }) => {
    if (error.code !== PRECONDITION_FAILED)
      return log.warn({ err: error.message, connection: name }, 'broker not reachable')
    log.fatal(
      { err: error.message, connection: name },
      'a queue or exchange exists and is of another kind; docs/upgrading.md says how to make it anew',
    )
  })
  connection.on('error', (error: Error) =>
    log.warn({ err: error.message, connection: name }, 'broker connection failed'),
  )
  connection.on('blocked', (reason: string) => {
    blocked = true
    log.warn({ reason }, 'the broker has blocked publishing')
  })
  connection.on('unblocked', () => {
    blocked = false
    log.info('the broker accepts publishes again')
  })
  return { isUp: () => up, isBlocked: () => blocked }
}

/** How long a close that the broker does not answer is waited for. */
const CLOSE_LIMIT_MS = 3_000

export async function withinLimit(closing: Promise<void>): Promise<void> {
  await Promise.race([closing, delay(CLOSE_LIMIT_MS, undefined, { ref: false })])
}

/**
 * Fails when the connection closes meanwhile. Closing a channel on a connection that is cut at that moment is never
 * answered, and amqplib would wait for it instead of reconnecting: one of some 500 cuts was never recovered from.
 */
export async function unlessClosed<T>(model: ChannelModel, work: Promise<T>): Promise<T> {
  const closed = new Promise<never>((_, reject) => {
    model.once('close', (error?: Error) => reject(error ?? new Error('The connection to the broker was closed')))
  })
  return await Promise.race([work, closed])
}

/** The broker's code when a queue or exchange exists with other arguments. */
const PRECONDITION_FAILED = 406

/** Opens a channel; when it dies alone, its connection is ended too, so that recovery builds everything anew. */
export async function openChannel(
  model: ChannelModel,
  log: Logger,
): Promise<Awaited<ReturnType<ChannelModel['createConfirmChannel']>>> {
  const channel = await model.createConfirmChannel()
  channel.on('error', (error: Error) => {
    log.error({ err: error.message }, 'broker closed the channel')
    model.close().catch((failure: Error) => log.debug({ err: failure.message }, 'connection was closing already'))
  })
  return channel
}
