import { parseArgs } from 'node:util'
import { type ConfirmChannel, connect, type GetMessage } from 'amqplib'
import { decode } from '../../core/contracts/messages.ts'
import { ParkedEvent } from '../../core/contracts/set-aside.ts'
import { subscriberQueues } from '../../core/contracts/subscriber-topology.ts'
import { runningSystem } from '../../core/platform/running-system.ts'

/** npm run resend -- <subscriber> [--dead-letters]: has the subscriber's parked events, or its dead letters, handled again. */
const USAGE = 'Expected: npm run resend -- <subscriber> [--dead-letters]'

try {
  const { values, positionals: [name, ...rest] } = parseArgs({ allowPositionals: true, options: { 'dead-letters': { type: 'boolean', default: false } } })
  if (name === undefined || rest.length > 0) throw new Error(USAGE)
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
    let sent = 0
    for (; sent < messageCount; sent++) {
      const message = await channel.get(queue)
      if (!message) break
      await send(channel, exchange, message, areDeadLetters ? message.content : Buffer.from(JSON.stringify(decode(ParkedEvent, message.content).event)))
    }
    // Before the connection, or the last acknowledgements may not be written.
    await channel.close()
    return sent
  } finally {
    await connection.close().catch(() => 'it is gone already')
  }
}

/** Acknowledged only once the broker has it again: a crash in between sends it twice, which every subscriber takes. */
async function send(channel: ConfirmChannel, exchange: string, message: GetMessage, body: Buffer): Promise<void> {
  const { messageId, correlationId } = message.properties as { messageId?: string; correlationId?: string }
  channel.publish(exchange, 'resent', body, {
    persistent: true, contentType: 'application/json', ...(messageId === undefined ? {} : { messageId }), ...(correlationId === undefined ? {} : { correlationId }),
  })
  await channel.waitForConfirms()
  channel.ack(message)
}
