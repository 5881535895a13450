import type { AuditReport, Check } from '../../core/audit/report.ts'
import { eventually } from '../../test/support/eventually.ts'
import { call } from '../../test/support/http-client.ts'
import type { System } from '../../test/support/start-system.ts'
import type { Entry, Fault } from './entry.ts'
import type { Stage } from './stage.ts'

interface Member {
  name: string
  token: string
  reservation: string
}

/** The buyers of one sale, and what becomes of them. */
export class Rush {
  readonly #stage: Stage
  readonly #system: System
  readonly #fault: Fault
  readonly #saleId: string
  readonly #tell: (entry: Entry) => void
  readonly #told: Member[] = []

  constructor(stage: Stage, fault: Fault, saleId: string, tell: (entry: Entry) => void) {
    this.#stage = stage
    this.#system = stage.system
    this.#fault = fault
    this.#saleId = saleId
    this.#tell = tell
  }

  /** So many buyers come in the same moment. */
  async buy(count: number): Promise<void> {
    const names = Array.from({ length: count }, (_, i) => `${this.#fault}-${i + 1}`)
    const buyers = await Promise.all(names.map(async (name) => ({ name, token: await this.#system.signIn(name) })))
    await Promise.all(
      buyers.map(async ({ name, token }) => {
        const reservation = await this.#buyIn(this.#saleId, token)
        if (reservation === undefined) return
        this.#told.push({ name, token, reservation })
        this.#note({ what: 'TOLD', buyer: name, reservation })
      }),
    )
  }

  /** Waits until the buyers have orders. */
  async ordered(): Promise<void> {
    for (const { reservation, token } of this.#told) await this.#system.settled(reservation, token, ['ORDERED'])
  }

  /** The provider calls so often for each payment. */
  async pay(times: number): Promise<void> {
    for (const { reservation, token } of this.#told) await this.#pay(reservation, token, times)
  }

  /** Each buyer buys and pays in another sale, too. */
  async payIn(saleId: string): Promise<void> {
    for (const { reservation, token } of this.#told) {
      const other = String(await this.#buyIn(saleId, token))
      await this.#system.settled(reservation, token, ['ORDERED'])
      await this.#payAndGetPoints(other, token)
    }
  }

  /** Each buyer presses "cancel", also when the order is paid. */
  async cancel(): Promise<void> {
    for (const { reservation, token } of this.#told) {
      const { orderId } = await this.#system.settled(reservation, token)
      await call('POST', this.#system.url(`/orders/${String(orderId)}/cancellation`), { token })
    }
  }

  /** Whether all orders are refunded, and the subscriber has handled the event that says so. */
  async isRefundHandled(subscriber: string): Promise<boolean> {
    const { database } = this.#stage.world
    const orders = await database.order.findMany({ where: { saleId: this.#saleId } })
    const newest = orders.map(({ id, sequence }) => ({ purpose: subscriber, orderId: id, sequence }))
    const handled = await database.inboxEntry.count({ where: { OR: newest } })
    return handled === orders.length && orders.every(({ status }) => status === 'REFUNDED')
  }

  /** Whether buyers can reserve, here and in the sale in which nothing goes wrong. */
  async isOpen(): Promise<boolean> {
    const { sales } = await this.#report('')
    return sales
      .filter(({ saleId }) => [this.#saleId, this.#stage.calmSale].includes(saleId))
      .every(({ isOpen }) => isOpen)
  }

  /** Waits until everything that will come has come, and audits the sale. */
  async audit(): Promise<void> {
    await eventually(
      'all messages to be sent',
      () => this.#report(),
      ({ sales }) => sales[0]?.pending === 0,
    )
    await this.#passMarker()
    const ends = await Promise.all(
      this.#told.map(async ({ name, reservation, token }) => {
        const { body } = await call('GET', this.#system.url(`/reservations/${reservation}`), { token })
        const reason = typeof body.reason === 'string' ? { reason: body.reason } : {}
        this.#note({ what: 'ENDED', buyer: name, reservation, status: String(body.status), ...reason })
        return String(body.status)
      }),
    )
    // A reservation whose message is lost stays in flight: no step is to come that ends it soon.
    const isLost = ends.includes('RESERVED')
    const report = await eventually(
      'the audit to be quiet',
      () => this.#report(),
      ({ quiet, balanced }) => quiet || !balanced || isLost,
    )
    for (const { name, detail } of notGreen(report)) this.#note({ what: 'AUDIT', rule: name, detail })
  }

  /**
   * A buyer of another sale comes behind all others: when they have their points, neither the queue of reservations nor
   * the one of events holds any of ours. Without a protection their message may be lost, too: then another one comes.
   */
  async #passMarker(): Promise<void> {
    const markers: { id: string; token: string }[] = []
    const arrived = await eventually(
      'the order of a buyer behind all others',
      async () => {
        const token = await this.#system.signIn(`behind ${this.#fault} ${markers.length}`)
        markers.push({ id: String(await this.#buyIn(this.#stage.calmSale, token)), token })
        const statuses = await Promise.all(
          markers.map((each) => call('GET', this.#system.url(`/reservations/${each.id}`), { token: each.token })),
        )
        return markers.find((_, i) => statuses[i]?.body.status === 'ORDERED')
      },
      (marker) => marker !== undefined,
    )
    if (arrived) await this.#payAndGetPoints(arrived.id, arrived.token)
  }

  /** @returns the reservation; undefined when sold out */
  async #buyIn(saleId: string, token: string): Promise<string | undefined> {
    const { status, body } = await eventually(
      'an answer other than "try again"',
      () => this.#system.buy(saleId, token),
      (answer) => answer.status !== 503,
    )
    return status === 202 ? String(body.id) : undefined
  }

  async #pay(reservation: string, token: string, times: number): Promise<string> {
    const orderId = String((await this.#system.settled(reservation, token)).orderId)
    const { body } = await call('POST', this.#system.url(`/orders/${orderId}/payments`), { token })
    for (let i = 0; i < times; i++) await call('POST', String(body.url), { headers: { accept: 'application/json' } })
    return orderId
  }

  async #payAndGetPoints(reservation: string, token: string): Promise<void> {
    const orderId = await this.#pay(reservation, token, 1)
    await eventually(
      'points for a paid order',
      () => this.#stage.world.database.pointsEntry.count({ where: { orderId } }),
      (entries) => entries > 0,
    )
  }

  async #report(query = `?sale=${this.#saleId}`): Promise<AuditReport> {
    const { body } = await this.#system.controlRoom('GET', `/audit${query}`)
    return body as unknown as AuditReport
  }

  #note(entry: Omit<Entry, 'fault' | 'at'>): void {
    this.#tell({ fault: this.#fault, at: Date.now(), ...entry })
  }
}

const notGreen = ({ sales }: AuditReport): Check[] => (sales[0]?.checks ?? []).filter(({ state }) => state !== 'ok')
