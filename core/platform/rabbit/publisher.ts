import type { ChannelModel } from 'amqplib'
import type { Registry } from 'prom-client'
import type { Topology } from '../../contracts/topology.ts'
import type { Logger } from '../process/log.ts'
import { confirming, type Outgoing, type PublishOutcome } from './confirmed.ts'
import { connectRabbit, openChannel } from './connection.ts'
import { declare } from './declare.ts'
import { showPublisher } from './publisher-metrics.ts'

export type { Outgoing, PublishOutcome }

export interface Publisher {
  /** `patienceMs`: how long the confirm is waited for; the publisher's own limit unless given. */
  publish: (message: Outgoing, patienceMs?: number) => Promise<PublishOutcome>
  /** Connected, and the broker takes messages. */
  isReady: () => boolean
  close: () => Promise<void>
}

export interface PublisherOptions {
  url: string
  name: string
  log: Logger
  /** Declared with every connection; as a function, asked anew with every connection. */
  topology: Topology | (() => Promise<Topology>)
  confirmTimeoutMs: number
  metrics?: Registry
}

/**
 * How long after its first returned message a queue is declared again. One that is there again within some 20 ms of its
 * deletion gets back the consumers of the old one, and RabbitMQ 3.10 never delivers to them (7 of 8 times).
 */
const MEND_AFTER_MS = 1_000

/**
 * Publishes persistently with confirms on a connection of its own. While the broker is away or takes no messages,
 * `publish` says UNKNOWN at once, so that nothing piles up here. It never throws.
 */
export async function createPublisher(options: PublisherOptions): Promise<Publisher> {
  const { log, name, confirmTimeoutMs, metrics } = options
  let send: ReturnType<typeof confirming> | undefined
  let mending: NodeJS.Timeout | undefined
  const inFlight = new Set<Promise<PublishOutcome>>()
  const topology = async () => (typeof options.topology === 'function' ? await options.topology() : options.topology)

  const connection = await connectRabbit({
    ...options,
    async setup(model) {
      await declare(model, await topology(), log)
      const opened = await openChannel(model, log)
      const sendHere = confirming(opened, log, () => mend(model))
      opened.on('close', () => {
        if (send === sendHere) send = undefined
      })
      send = sendHere
    },
  })

  /** A queue or binding was deleted. Until it exists again, every message would be returned. */
  function mend(model: ChannelModel): void {
    if (mending) return
    log.error({ connection: name }, 'the broker has no queue for a message; declaring all of them again')
    mending = setTimeout(() => {
      mending = undefined
      topology()
        .then((wanted) => declare(model, wanted, log))
        .catch((error: Error) =>
          log.error({ err: error.message }, 'declaring the topology failed; the next returned message tries again'),
        )
    }, MEND_AFTER_MS)
  }

  const isReady = () => send !== undefined && connection.isUp() && !connection.isBlocked()
  if (metrics) showPublisher(metrics, name, connection)

  return {
    isReady,
    async publish(message, patienceMs = confirmTimeoutMs) {
      if (!isReady() || send === undefined) return 'UNKNOWN'
      const outcome = send(message, patienceMs)
      inFlight.add(outcome)
      try {
        return await outcome
      } finally {
        inFlight.delete(outcome)
      }
    },
    async close() {
      clearTimeout(mending)
      await Promise.allSettled(inFlight)
      await connection.close()
    },
  }
}
