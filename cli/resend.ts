/**
 * Usage: npm run resend -- <subscriber> [--dead-letters]
 * Has the subscriber's parked events, or its dead letters, handled again.
 */
import { connect, type GetMessage } from 'amqplib'
import { decode } from '../core/contracts/messages.ts'
import { ParkedEvent } from '../core/contracts/set-aside.ts'
import { subscriberQueues } from '../core/contracts/subscriber-topology.ts'
import { commandLine } from '../core/platform/process/command-line.ts'
import { createLog } from '../core/platform/process/log.ts'
import { confirming, type Outgoing, type PublishOutcome } from '../core/platform/rabbit/confirmed.ts'
import { runningSystem } from './running-system.ts'

const CONFIRM_LIMIT_MS = 10_000

const {
  values,
  positionals: [name = ''],
} = commandLine({ 'dead-letters': { type: 'boolean', default: false } }, [1, 1])

try {
  const url = process.env.RABBITMQ_URL ?? runningSystem().RABBITMQ_URL ?? ''
  const sent = await resendAll(url, name, values['dead-letters'])
  process.stdout.write(`${sent} sent again to ${name}.\n`)
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}

/** In the order in which they were set aside, and only those that are there now: what is set aside again stays. */
async function resendAll(url: string, name: string, areDeadLetters: boolean): Promise<number> {
  const { exchange, parked, deadLetters } = subscriberQueues(name, 1, [])
  const queue = areDeadLetters ? deadLetters : parked
  const connection = await connect(url, { noDelay: true, timeout: 5_000 })
  // Said by the call that fails, too.
  connection.on('error', () => {})
  try {
    const channel = await connection.createConfirmChannel()
    channel.on('error', () => {})
    const { messageCount } = await channel.checkQueue(queue)
    const send = confirming(channel, createLog('resend', 'silent'))
    let sent = 0
    for (; sent < messageCount; sent++) {
      const message = await channel.get(queue)
      if (!message) break
      const outcome = await send(again(exchange, message, areDeadLetters), CONFIRM_LIMIT_MS)
      // Not acknowledged, it is back in its queue when the channel closes.
      if (outcome !== 'CONFIRMED') throw new Error(refusal(outcome, name, queue, sent))
      channel.ack(message)
    }
    // Before the connection, or the last acknowledgements may not be written.
    await channel.close()
    return sent
  } finally {
    await connection.close().catch(() => 'it is gone already')
  }
}

/** Acknowledged only once the broker has it again: a crash in between sends it twice, which every subscriber takes. */
function again(exchange: string, { content, properties }: GetMessage, isDeadLetter: boolean): Outgoing {
  const { messageId, correlationId } = properties as { messageId?: string; correlationId?: string }
  return {
    exchange,
    routingKey: 'resent',
    messageId: messageId ?? '',
    correlationId,
    body: isDeadLetter ? content : decode(ParkedEvent, content).event,
  }
}

function refusal(outcome: PublishOutcome, name: string, queue: string, sent: number): string {
  const what =
    outcome === 'REFUSED' ? 'refused one: a partition is full, or there is none' : 'did not confirm one in time'
  return (
    `${sent} sent again to ${name}; then the broker ${what}. ` +
    `It stays in ${queue} with those behind it. Start the subscribers, let them drain, and resend.`
  )
}
