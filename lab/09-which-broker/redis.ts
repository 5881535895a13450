import type { Redis } from 'ioredis'
import { bodyOf, CONSUMERS, idIn, type Message, type Topic } from './topic.ts'

const BLOCK_MS = 100

type Entries = [id: string, fields: string[]][]
type Reply = [stream: string, entries: Entries][] | null

/** A stream for each partition, read by consumer groups. */
export async function openRedisTopic(redis: Redis, name: string, partitions: number): Promise<Topic> {
  const streams = Array.from({ length: partitions }, (_, i) => `${name}.${i}`)
  const streamOf = ({ key }: Message) => streams[key % partitions] ?? ''
  return {
    async publish(messages) {
      await Promise.all(messages.map((message) => redis.xadd(streamOf(message), '*', 'body', bodyOf(message))))
    },

    async consume({ reader, atOnce }, handle) {
      for (const stream of streams)
        await redis.xgroup('CREATE', stream, reader, '0', 'MKSTREAM').catch((error: Error) => {
          if (!error.message.startsWith('BUSYGROUP')) throw error // It is there from an earlier start.
        })
      let isOver = false
      const consume = async (consumer: number) => {
        const stream = streams[consumer % partitions] ?? ''
        const connection = redis.duplicate() // A blocking read holds up everything else on its connection.
        try {
          while (!isOver) {
            const reply = (await connection.xreadgroup(
              ...(['GROUP', reader, `consumer-${consumer}`, 'COUNT', atOnce] as const),
              ...(['BLOCK', BLOCK_MS, 'STREAMS', stream, '>'] as const),
            )) as Reply
            const entries = reply?.[0]?.[1] ?? []
            for (const [, [, body = '']] of entries) await handle(idIn(body), consumer)
            const [first, ...others] = entries.map(([id]) => id)
            if (first !== undefined) await redis.xack(stream, reader, first, ...others)
          }
        } finally {
          connection.disconnect()
        }
      }
      const consuming = CONSUMERS.map(consume)
      return async () => {
        isOver = true
        await Promise.all(consuming)
      }
    },
  }
}
