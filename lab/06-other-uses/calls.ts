import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ConsumeMessage } from 'amqplib'
import { eventually } from '../../test/support/eventually.ts'
import type { Place } from '../frame/place.ts'
import type { Step } from './step.ts'

const PRICES = 'prices'
const LIMIT_MS = 100
const SLOW_MS = 180
/** Of these items the server needs long to find the price. */
const isSlow = (item: number) => item % 5 === 0

/**
 * A caller asks for the price of one item after another, through a queue, and gives up after a time limit. The answers
 * come to its one reply queue.
 * @param isMatched whether an answer is only taken by the call whose id it carries
 */
export async function callRemotely(place: Place<Step>, isMatched: boolean): Promise<void> {
  const { broker, now } = place
  await serve(place)
  const channel = await broker.createConfirmChannel()
  const { queue: replyTo } = await channel.assertQueue('', { exclusive: true })
  const calls = new Map<string, number>()
  const answers: ConsumeMessage[] = []
  let answered = 0
  let onAnswer = () => {}
  await channel.consume(
    replyTo,
    (message) => {
      if (!message) return
      answered += 1
      answers.push(message)
      onAnswer()
    },
    { noAck: true },
  )
  /** @returns the next answer for this call; undefined when there is none in time */
  const nextAnswer = async (id: string): Promise<ConsumeMessage | undefined> => {
    const giveUpAt = now() + LIMIT_MS
    for (;;) {
      const answer = answers.shift()
      if (answer && (!isMatched || answer.properties.correlationId === id)) return answer
      if (answer) drop(answer)
      else if (now() >= giveUpAt) return undefined
      else await Promise.race([new Promise<void>((resolve) => (onAnswer = resolve)), sleep(giveUpAt - now())])
    }
  }
  const drop = ({ properties, content }: ConsumeMessage) =>
    place.record({
      did: 'DROPPED',
      call: calls.get(String(properties.correlationId)) ?? 0,
      about: Number(content),
      at: now(),
    })

  const count = place.amount(40, 20)
  for (let call = 1; call <= count; call++) {
    const id = randomUUID()
    calls.set(id, call)
    place.record({ did: 'ASKED', call, item: call, at: now() })
    channel.sendToQueue(PRICES, Buffer.from(String(call)), { replyTo, correlationId: id })
    const answer = await nextAnswer(id)
    if (answer) place.record({ did: 'ANSWERED', call, about: Number(answer.content), at: now() })
    else place.record({ did: 'TIMED_OUT', call, at: now() })
  }
  await eventually(
    'the last answer',
    () => answered,
    (answers) => answers === count,
  )
  for (const answer of answers) drop(answer) // Its caller has given up.
}

/** Answers with the item whose price it is, to the queue and under the id that the question names. */
async function serve({ broker }: Place<Step>): Promise<void> {
  const channel = await broker.createChannel()
  await channel.assertQueue(PRICES)
  await channel.prefetch(1)
  const answer = async (question: ConsumeMessage) => {
    if (isSlow(Number(question.content))) await sleep(SLOW_MS)
    const { replyTo, correlationId } = question.properties as { replyTo: string; correlationId: string }
    channel.sendToQueue(replyTo, question.content, { correlationId })
    channel.ack(question)
  }
  await channel.consume(PRICES, (question) => {
    if (question) void answer(question)
  })
}
