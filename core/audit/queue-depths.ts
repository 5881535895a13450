import { CANCELLATIONS, waitingRoom } from '../contracts/timeout-topology.ts'
import { DEAD_LETTERS, INTAKE } from '../contracts/topology.ts'
import { createDepthReader } from '../platform/rabbit/depth-reader.ts'
import type { QueueDepths } from './report.ts'

export interface QueueReader {
  /** @throws BrokerUnreachable */
  read: () => Promise<QueueDepths>
  close: () => Promise<void>
}

/** Counts the messages of the queues of an audit. */
export function createQueueReader(url: string, paymentWindowSeconds: number, answerLimitMs?: number): QueueReader {
  const { depths, close } = createDepthReader(url, answerLimitMs)
  const queues = [INTAKE, waitingRoom(Math.round(paymentWindowSeconds * 1_000)), CANCELLATIONS, DEAD_LETTERS]
  return {
    async read() {
      const [intake = 0, waiting = 0, cancellations = 0, deadLetters = 0] = await depths(queues)
      return { intake, waiting, cancellations, deadLetters }
    },
    close,
  }
}
