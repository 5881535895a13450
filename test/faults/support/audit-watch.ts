import { setTimeout as sleep } from 'node:timers/promises'
import type { AuditReport, SaleAudit } from '../../../core/audit/report.ts'
import type { AnyServers } from './servers.ts'
import type { Shop } from './shop.ts'

const LOOK_EVERY_MS = 250

export interface Reading {
  startedAtMs: number
  endedAtMs: number
  report: AuditReport
  sale: SaleAudit
}

/** Audits a sale repeatedly while it runs. */
export class AuditWatch {
  readonly readings: Reading[] = []
  /** All findings, each once. */
  readonly wrong = new Set<string>()
  /** Number of audits that failed because a server was unreachable. */
  blind = 0
  /** Why the last of those failed. */
  lastError = ''
  readonly #watching: Promise<void>
  #isStopped = false

  constructor(shop: Shop<AnyServers>, saleId: string) {
    this.#watching = this.#watch(shop, saleId)
  }

  get latest(): Reading | undefined {
    return this.readings.at(-1)
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    await this.#watching
  }

  async #watch(shop: Shop<AnyServers>, saleId: string): Promise<void> {
    while (!this.#isStopped) {
      const startedAtMs = Date.now()
      const report = await shop.ledgers.audit(saleId).catch((error: Error) => {
        this.lastError = error.message
      })
      const sale = report?.sales[0]
      if (report && sale) this.#note({ startedAtMs, endedAtMs: Date.now(), report, sale })
      else this.blind += 1
      await sleep(LOOK_EVERY_MS)
    }
  }

  #note(reading: Reading): void {
    this.readings.push(reading)
    for (const { id, state, name, detail } of reading.sale.checks) {
      if (state === 'wrong') this.wrong.add(`${id} ${name}: ${detail}`)
    }
  }
}
