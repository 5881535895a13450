import type { Registry } from 'prom-client'
import { gauge } from '../process/metrics.ts'
import type { RabbitConnection } from './connection.ts'

/** Of several processes on one port these are the sums: how many of them are connected, or blocked. */
const GAUGES = {
  seckill_publisher_up: (connection: RabbitConnection) => connection.isUp(),
  seckill_publisher_blocked: (connection: RabbitConnection) => connection.isBlocked(),
}

/** Shows the state of a publisher's connection; one publisher in each registry. */
export function showPublisher(registry: Registry, publisher: string, connection: RabbitConnection): void {
  for (const [metric, read] of Object.entries(GAUGES))
    gauge(registry, metric as keyof typeof GAUGES, (shown) => shown.set({ publisher }, Number(read(connection))))
}
