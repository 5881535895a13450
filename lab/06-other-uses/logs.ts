import type { Place } from '../frame/place.ts'
import type { Step } from './step.ts'

const QUEUE = 'log'
/** Lines that the broker keeps for a reader that is behind. */
const LENGTH_MAX = 50

/**
 * Each order writes a line to the log, whose reader takes one line and then none. What a full queue does decides:
 * `reject-publish` refuses the new line, `drop-head` forgets the oldest one.
 */
export async function writeLog(place: Place<Step>, overflow: 'reject-publish' | 'drop-head'): Promise<void> {
  const { broker, now } = place
  const args = { 'x-max-length': LENGTH_MAX, 'x-overflow': overflow }
  const reader = await broker.createChannel()
  await reader.assertQueue(QUEUE, { arguments: args })
  await reader.prefetch(1)
  await reader.consume(QUEUE, () => {}) // Never acknowledged: the reader has stopped.

  const channel = await broker.createConfirmChannel()
  for (let order = 1; order <= place.amount(300, 100); order++) {
    channel.sendToQueue(QUEUE, Buffer.from(`order ${order}`))
    const isLogged = await channel.waitForConfirms().then(
      () => true,
      () => false,
    )
    place.record({ did: isLogged ? 'PLACED' : 'FAILED', order, at: now() })
  }
}
