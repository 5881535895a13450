import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { DATABASE_CONNECTIONS as cancelWorker } from '../cancel-worker/config.ts'
import { DATABASE_CONNECTIONS as controlRoom } from '../control-room/config.ts'
import { DATABASE_CONNECTIONS as orderService } from '../order-service/config.ts'
import { connectionsFor, SubscribersConfig } from '../subscribers/runtime/config.ts'
import type { schemas } from './schemas.ts'

const SUBSCRIBERS = join(import.meta.dirname, '../subscribers')

/**
 * Connections to PostgreSQL of one process of each service, at most and with the default settings. A subscriber has one
 * for each of its partitions.
 */
export const databaseConnections: Record<keyof typeof schemas, number> = {
  gateway: 0,
  'order-service': orderService,
  'cancel-worker': cancelWorker,
  subscribers: 1 + countSubscribers() * connectionsFor(SubscribersConfig.shape.SUBSCRIBER_PARTITIONS.parse(undefined)),
  'control-room': controlRoom,
  'payment-provider': 0,
}

function countSubscribers(): number {
  return readdirSync(SUBSCRIBERS).filter(
    (file) => file.endsWith('.ts') && !file.endsWith('.test.ts') && file !== 'main.ts',
  ).length
}
