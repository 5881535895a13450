import type { AuditReport } from '../../core/audit/report.ts'
import { eventually } from '../../test/support/eventually.ts'
import { call } from '../../test/support/http-client.ts'
import type { System } from '../../test/support/start-system.ts'
import type { Entry, Fault } from './entry.ts'

interface Member {
  name: string
  token: string
  reservation: string
}

/** The buyers of one sale, and what becomes of them. */
export class Rush {
  readonly #system: System
  readonly #fault: Fault
  readonly #saleId: string
  readonly #tell: (entry: Entry) => void
  readonly #told: Member[] = []

  constructor(system: System, fault: Fault, saleId: string, tell: (entry: Entry) => void) {
    this.#system = system
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
        const { status, body } = await this.#system.buyUntilAvailable(this.#saleId, token)
        if (status !== 202) return
        const reservation = String(body.id)
        this.#told.push({ name, token, reservation })
        this.#note({ what: 'TOLD', buyer: name, reservation })
      }),
    )
  }

  /** The provider calls so often for each payment. */
  async pay(times: number): Promise<void> {
    for (const { reservation, token } of this.#told) {
      const { orderId } = await this.#system.settled(reservation, token)
      const { body } = await call('POST', this.#system.url(`/orders/${String(orderId)}/payments`), { token })
      for (let i = 0; i < times; i++) await call('POST', String(body.url), { headers: { accept: 'application/json' } })
    }
  }

  /** Each buyer presses "cancel", also when the order is paid. */
  async cancel(): Promise<void> {
    for (const { reservation, token } of this.#told) {
      const { orderId } = await this.#system.settled(reservation, token)
      await call('POST', this.#system.url(`/orders/${String(orderId)}/cancellation`), { token })
    }
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
        this.#note({ what: 'ENDED', buyer: name, reservation, status: String(body.status) })
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
    for (const { name, state, detail } of report.sales[0]?.checks ?? [])
      if (state !== 'ok') this.#note({ what: 'AUDIT', rule: name, detail })
  }

  /**
   * A buyer of another sale comes behind all others: when they have their order, the queue holds none of ours. Without
   * the confirm their message may be lost, too, as long as the gateway is not connected again: then another one comes.
   */
  async #passMarker(): Promise<void> {
    const saleId = await this.#system.createSale({ stock: 100_000 })
    const markers: { id: string; token: string }[] = []
    await eventually(
      'the order of a buyer behind all others',
      async () => {
        const token = await this.#system.signIn(`marker ${markers.length}`)
        const { body } = await this.#system.buyUntilAvailable(saleId, token)
        markers.push({ id: String(body.id), token })
        const answers = await Promise.all(
          markers.map((marker) => call('GET', this.#system.url(`/reservations/${marker.id}`), { token: marker.token })),
        )
        return answers.map((answer) => answer.body.status)
      },
      (statuses) => statuses.some((status) => status !== 'RESERVED'),
    )
  }

  async #report(): Promise<AuditReport> {
    const { body } = await this.#system.controlRoom('GET', `/audit?sale=${this.#saleId}`)
    return body as unknown as AuditReport
  }

  #note(entry: Omit<Entry, 'fault' | 'at'>): void {
    this.#tell({ fault: this.#fault, at: Date.now(), ...entry })
  }
}
