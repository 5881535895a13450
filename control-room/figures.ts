import type { QueueReader } from '../core/audit/queue-depths.ts'
import { countOutboxMessages, readSales } from '../core/audit/read-database.ts'
import type { OrderCounts, QueueDepths } from '../core/audit/report.ts'
import { BrokerUnreachable } from '../core/platform/rabbit/depth-reader.ts'
import type { SaleDeps } from './open-sale.ts'
import type { SubscriberBacklog, SubscriberReader } from './subscriber-backlogs.ts'

/** What goes on right now, for a screen; nothing is checked here. That is the audit's work. */
export interface Figures {
  at: string
  sales: {
    saleId: string
    stock: number
    sold: number
    /** Units left in Redis; null when Redis holds no data of the sale. */
    left: number | null
    pending: number
    undecided: number
    orders: OrderCounts
    rejections: number
  }[]
  /** Null while the broker does not answer: the rest is worth showing just then. */
  queues: QueueDepths | null
  /** Null with the queues. */
  subscribers: SubscriberBacklog[] | null
  outbox: number
}

/** Of those sales. */
export async function readFigures(
  { database, stock }: SaleDeps,
  saleIds: string[],
  queues: QueueReader,
  subscribers: SubscriberReader,
): Promise<Figures> {
  const [ledger, outbox, depths, backlogs] = await Promise.all([
    readSales(database, saleIds),
    countOutboxMessages(database),
    ifReachable(() => queues.read()),
    ifReachable(() => subscribers.read()),
  ])
  const sales = await Promise.all(
    ledger.map(async ({ saleId, stock: units, sold, orders, rejected }) => {
      const [inRedis, pending, undecided] = await Promise.all([
        stock.readSale(saleId),
        stock.countPending(saleId),
        stock.countUndecided(saleId),
      ])
      return {
        saleId,
        stock: units,
        sold,
        left: inRedis?.left ?? null,
        pending,
        undecided,
        orders,
        rejections: rejected,
      }
    }),
  )
  return { at: new Date().toISOString(), sales, queues: depths, subscribers: backlogs, outbox }
}

async function ifReachable<T>(read: () => Promise<T>): Promise<T | null> {
  try {
    return await read()
  } catch (error) {
    if (error instanceof BrokerUnreachable) return null
    throw error
  }
}
