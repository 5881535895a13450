import { type Channel, type ChannelModel, connect } from 'amqplib'
import { brokersInTurn, socketOptions } from './brokers.ts'

const ANSWER_LIMIT_MS = 5_000

/** Thrown when the broker does not say how long its queues are. */
export class BrokerUnreachable extends Error {}

export interface DepthReader {
  /** Messages that are ready in each queue; 0 for one that is not declared yet. @throws BrokerUnreachable */
  depths: (queues: string[]) => Promise<number[]>
  close: () => Promise<void>
}

/** Asks over one connection that is opened when first needed and again once it broke. */
export function createDepthReader(url: string, answerLimitMs = ANSWER_LIMIT_MS): DepthReader {
  // An answer that does not come in time is asked for at the next node.
  const nextBroker = brokersInTurn(url)
  let connection: Promise<ChannelModel> | undefined

  function open(): Promise<ChannelModel> {
    connection ??= connect(nextBroker(), socketOptions('queue depths')).then((model) => {
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
    const questions = new Questions(await open())
    const lengths: number[] = []
    for (const queue of queues) lengths.push(await depth(questions, queue))
    await questions.close()
    return lengths
  }

  return {
    async depths(queues) {
      try {
        return await withinLimit(askAll(queues), answerLimitMs)
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
async function depth(questions: Questions, queue: string): Promise<number> {
  const checked = await questions.ask(NOT_FOUND, (channel) => channel.checkQueue(queue))
  if (!checked) return 0
  // A node also answers this, of a queue of any length, when the queue's leader is silent for 250 ms or gone.
  const isNoAnswer = checked.messageCount === 0 && checked.consumerCount === 0
  return isNoAnswer ? await depthByLeader(questions, queue) : checked.messageCount
}

/** Takes a message and gives it back: only the leader can answer that. */
async function depthByLeader(questions: Questions, queue: string): Promise<number> {
  const got = await questions.ask(RESOURCE_LOCKED, async (channel) => {
    const message = await channel.get(queue)
    if (message) channel.nack(message)
    return message ? message.fields.messageCount + 1 : 0
  })
  // With a single active consumer the leader refuses to give; having answered, it can be asked for the number.
  return got ?? (await questions.ask(NOT_FOUND, (channel) => channel.checkQueue(queue)))?.messageCount ?? 0
}

const NOT_FOUND = 404
const RESOURCE_LOCKED = 405

/**
 * Asked one after the other, on one channel until a refusal closes it: with a channel for each question both sides spent
 * half as much CPU time again.
 */
class Questions {
  readonly #model: ChannelModel
  #channel: Channel | undefined

  constructor(model: ChannelModel) {
    this.#model = model
  }

  /** @returns undefined when the broker refuses with that code */
  async ask<T>(refusal: number, question: (channel: Channel) => Promise<T>): Promise<T | undefined> {
    const channel = (this.#channel ??= await this.#open())
    try {
      return await question(channel)
    } catch (error) {
      this.#channel = undefined
      if ((error as { code?: number }).code === refusal) return undefined
      throw error
    }
  }

  async close(): Promise<void> {
    await this.#channel?.close()
  }

  async #open(): Promise<Channel> {
    const channel = await this.#model.createChannel()
    channel.on('error', () => {
      /* The rejected question says the same. */
    })
    return channel
  }
}

async function withinLimit<T>(work: Promise<T>, limitMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${limitMs} ms`)), limitMs)
  })
  return Promise.race([work, limit]).finally(() => clearTimeout(timer))
}
