import { eventually } from '../../test/support/eventually.ts'
import type { Entry } from './entry.ts'
import type { Message, Topic } from './topic.ts'

export const PARTITIONS = 2
const AT_ONCE = 100
export const LIMIT_MS = 120_000

/** Adds to the history of one candidate, in one phase. */
export type Recorder = (entry: Omit<Entry, 'candidate' | 'at' | 'phase'>) => void

/** Starts two consumers, does `work`, and waits until all messages have come. */
export async function whileConsuming(
  topic: Topic,
  messages: Message[],
  record: Recorder,
  work: () => Promise<void>,
): Promise<void> {
  const missing = new Map(messages.map(({ id, key }) => [id, key]))
  const stop = await topic.consume({ reader: 'all', atOnce: AT_ONCE }, (message, consumer) => {
    const key = missing.get(message)
    if (key === undefined) return // It came before: at-least-once.
    missing.delete(message)
    record({ did: 'CAME', message, key, consumer })
  })
  await work()
  const count = () => missing.size
  await eventually('all messages', count, (left) => left === 0, LIMIT_MS)
  await stop()
}

/** A partition hands out its messages in order: all that is there comes before a marker that is published now. */
export async function readAll(topic: Topic, reader: string): Promise<number[]> {
  const markers = Array.from({ length: PARTITIONS }, (_, key) => ({ id: -1 - key, key }))
  // A broker that has just started may refuse a message or two.
  const publishMarkers = () =>
    topic.publish(markers).then(
      () => true,
      () => false,
    )
  await eventually('the broker to take messages', publishMarkers, (isTaken) => isTaken, LIMIT_MS)
  const found = new Set<number>()
  const stop = await topic.consume({ reader, atOnce: AT_ONCE }, (message) => {
    found.add(message)
  })
  await eventually(
    'all that is left',
    () => markers.filter(({ id }) => found.has(id)).length,
    (came) => came === PARTITIONS,
    LIMIT_MS,
  )
  await stop()
  return [...found].filter((message) => message > 0)
}
