import { randomUUID } from 'node:crypto'
import { receiveMoney } from '../../core/orders/receive-money.ts'
import { refundPaid } from '../../core/orders/transitions.ts'
import type { Reservation } from '../../core/contracts/messages.ts'
import type { OutboxMessage } from '../../core/orders/outbox.ts'
import type { World } from './world.ts'

export const rules = { reservationLifetimeMs: 3_600_000, paymentWindowMs: 3_600_000, sagaMs: 30_000 }

/** Fixtures and queries for tests of the orders in PostgreSQL, without Redis or the broker. */
export class Ledger {
  readonly #database: World['database']

  constructor({ database }: World) {
    this.#database = database
  }

  /** Creates a sale. @returns its id */
  async sale(stock: number, id = `sale-${randomUUID().slice(0, 8)}`, priceCents = 500): Promise<string> {
    await this.#database.sale.create({
      data: {
        id,
        title: 'A sale',
        priceCents,
        stock,
        perBuyerLimit: 10,
        opensAt: new Date(0),
        closesAt: new Date(Date.now() + 3_600_000),
      },
    })
    return id
  }

  sold = async (saleId: string) => (await this.#database.sale.findUniqueOrThrow({ where: { id: saleId } })).sold
  orderOf = (reservationId: string) => this.#database.order.findUniqueOrThrow({ where: { reservationId } })

  /** Opens a payment for the order and counts its money. */
  async pay(orderId: string): Promise<void> {
    const { amountCents } = await this.#database.order.findUniqueOrThrow({ where: { id: orderId } })
    await this.#database.payment.create({ data: { id: orderId, orderId, amountCents } })
    const money = { paymentId: orderId, orderId, amountCents, providerRef: orderId }
    const [counted] = await receiveMoney(this.#database, [money])
    if (counted?.outcome !== 'PAID') throw new Error(`Expected PAID, got ${counted?.outcome}`)
  }

  refund = (orderId: string) => this.#database.$transaction((tx) => refundPaid(tx, orderId, 'VETOED'))
  refundsOf = (orderId: string) => this.#database.refund.count({ where: { payment: { orderId } } })

  /** Transactions that wait for another's lock. */
  async waitingForLocks(): Promise<number> {
    const [row] = await this.#database.$queryRaw<{ count: number }[]>`
      SELECT count(*)::int AS count FROM pg_stat_activity
      WHERE datname = current_database() AND wait_event_type = 'Lock'`
    return row?.count ?? 0
  }

  /** Every message that waits in the outbox, oldest first. */
  async messages(): Promise<OutboxMessage[]> {
    const entries = await this.#database.outboxEntry.findMany({ orderBy: { id: 'asc' } })
    return entries.flatMap((entry) => entry.messages as unknown as OutboxMessage[])
  }

  /** The events of one reservation, as `<sequence> <type>`. */
  async eventsOf(reservationId: string): Promise<string[]> {
    return (await this.messages()).flatMap(({ destination, message }) =>
      destination === 'events' && message.reservationId === reservationId
        ? [`${message.sequence} ${message.type}`]
        : [],
    )
  }

  /** The order ids of each timeout message. */
  async timeouts(): Promise<string[][]> {
    return (await this.messages()).flatMap(({ destination, message }) =>
      destination === 'timeouts' ? [message.orderIds] : [],
    )
  }
}

/** The n-th reservation of the sale, by default of the n-th buyer. */
export const reservation = (saleId: string, n: number, changes: Partial<Reservation> = {}): Reservation => ({
  reservationId: `${saleId}.${n}`,
  saleId,
  buyerId: `buyer-${n}`,
  quantity: 1,
  epoch: 1,
  reservedAtMs: Date.now(),
  ...changes,
})
