import { Admin, Consumer, Producer, stringDeserializers, stringSerializers } from '@platformatic/kafka'
import { eventually } from '../../test/support/eventually.ts'
import { bodyOf, CONSUMERS, idIn, type Message, type Topic } from './topic.ts'

export interface KafkaClients {
  /** As in "127.0.0.1:9092". */
  address: string
  /** Called with what closes a client. */
  onOpen: (close: () => Promise<unknown>) => void
}

const HEARTBEAT_MS = 200
const COMMIT_EVERY_MS = 100

/** A topic whose partitions are shared out among the consumers of a group. */
export async function openKafkaTopic(clients: KafkaClients, name: string, partitions: number): Promise<Topic> {
  const base = { clientId: 'lab', bootstrapBrokers: [clients.address] }
  const admin = new Admin(base)
  const topics = await admin.listTopics()
  if (!topics.includes(name)) await admin.createTopics({ topics: [name], partitions, replicas: 1 })
  await admin.close()

  const producer = new Producer<string, string, string, string>({
    ...base,
    serializers: stringSerializers,
    acks: -1, // By all replicas that are in sync; here there is one.
    partitioner: ({ key }) => Number(key) % partitions,
  })
  clients.onOpen(() => closeNow(producer))

  const join = async (groupId: string) => {
    const consumer = new Consumer<string, string, string, string>({
      ...base,
      groupId,
      deserializers: stringDeserializers,
      sessionTimeout: 10_000,
      heartbeatInterval: HEARTBEAT_MS,
    })
    clients.onOpen(() => closeNow(consumer))
    consumer.topics.trackAll(name)
    await consumer.joinGroup({})
    return consumer
  }

  return {
    async publish(messages) {
      const records = messages.map((message: Message) => ({
        topic: name,
        key: String(message.key),
        value: bodyOf(message),
      }))
      await producer.send({ messages: records })
    },

    async consume({ reader, atOnce }, handle) {
      const consumers = await Promise.all(CONSUMERS.map(() => join(`${name}-${reader}`)))
      const assigned = () => consumers.map(({ assignments }) => assignments?.[0]?.partitions.length ?? 0)
      // When a consumer joins, the partitions are shared out again: one that began before would hand messages over.
      const isSharedOut = (counts: number[]) => counts.filter((count) => count > 0).length === Math.min(partitions, 2)
      await eventually('each consumer to have its partitions', assigned, isSharedOut)
      for (const [i, consumer] of consumers.entries()) {
        const stream = await consumer.consume({
          topics: [name],
          mode: 'committed',
          fallbackMode: 'earliest',
          autocommit: COMMIT_EVERY_MS,
          highWaterMark: atOnce,
        })
        const work = async () => {
          for await (const { value } of stream) await handle(idIn(value), i)
        }
        void work()
      }
      return async () => {
        await Promise.all(consumers.map(closeNow))
      }
    },
  }
}

/** Without waiting for what is under way. (As a function, since the package's own type of the call has no promise.) */
const closeNow = (client: { close(force?: boolean): Promise<void> }) => client.close(true)
