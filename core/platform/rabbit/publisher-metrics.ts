import { Gauge, type Registry } from 'prom-client'
import type { RabbitConnection } from './connection.ts'

/** Of several processes on one port these are the sums: how many of them are connected, or blocked. */
const GAUGES = {
  seckill_publisher_up: {
    help: 'Publishers that are connected to the broker',
    read: (connection: RabbitConnection) => connection.isUp(),
  },
  seckill_publisher_blocked: {
    help: 'Publishers that the broker takes no messages from (memory or disk alarm)',
    read: (connection: RabbitConnection) => connection.isBlocked(),
  },
}

/** Shows the state of a publisher's connection; one publisher in each registry. */
export function showPublisher(registry: Registry, name: string, connection: RabbitConnection): void {
  for (const [metric, { help, read }] of Object.entries(GAUGES)) {
    const gauge = new Gauge({
      name: metric,
      help,
      labelNames: ['publisher'],
      registers: [registry],
      collect: () => {
        gauge.set({ publisher: name }, Number(read(connection)))
      },
    })
  }
}
