import { type ChannelModel, connect } from 'amqplib'

const ANSWER_LIMIT_MS = 5_000

/** Thrown when the broker does not say how long its queues are. */
export class BrokerUnreachable extends Error {}

export interface DepthReader {
  /** Messages that are ready in each queue; 0 for one that is not declared yet. @throws BrokerUnreachable */
  depths: (queues: string[]) => Promise<number[]>
  close: () => Promise<void>
}

/** Asks over one connection that is opened when first needed and again once it broke. */
export function createDepthReader(url: string): DepthReader {
  let connection: Promise<ChannelModel> | undefined

  function open(): Promise<ChannelModel> {
    connection ??= connect(url, {
      noDelay: true,
      timeout: ANSWER_LIMIT_MS,
      clientProperties: { connection_name: 'queue depths' },
    }).then((model) => {
      const forget = () => {
        connection = undefined
      }
      // Without a listener for its errors a broken connection would end the process.
      model.on('error', forget).on('close', forget)
      return model
    })
    return connection
  }

  async function askAll(queues: string[]): Promise<number[]> {
    const model = await open()
    return Promise.all(queues.map((queue) => depth(model, queue)))
  }

  return {
    async depths(queues) {
      try {
        return await withinLimit(askAll(queues))
      } catch (error) {
        const broken = connection
        connection = undefined
        void broken?.then((model) => model.close()).catch(() => 'it is gone already')
        throw new BrokerUnreachable(
          `RabbitMQ did not say how long its queues are: ${error instanceof Error ? error.message : String(error)}`,
        )
      }
    },
    async close() {
      await connection?.then((model) => model.close()).catch(() => 'it is gone already')
    },
  }
}

/** Messages ready in the queue; 0 when it is not declared yet. */
async function depth(model: ChannelModel, queue: string): Promise<number> {
  // A passive check of a queue that is not there closes its channel, so every check has one of its own.
  const channel = await model.createChannel()
  channel.on('error', () => {
    /* The rejected check says the same. */
  })
  try {
    const { messageCount } = await channel.checkQueue(queue)
    await channel.close()
    return messageCount
  } catch (error) {
    if ((error as { code?: number }).code === 404) return 0
    throw error
  }
}

async function withinLimit<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${ANSWER_LIMIT_MS} ms`)), ANSWER_LIMIT_MS)
  })
  return Promise.race([work, limit]).finally(() => clearTimeout(timer))
}
