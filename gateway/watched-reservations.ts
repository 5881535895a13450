import type { Logger } from '../core/platform/process/log.ts'
import { type Repeating, repeat } from '../core/platform/process/repeat.ts'
import { groupBy, slicesOf } from '../core/platform/batches/divide.ts'
import { ledgerOf, type ReservationRecord } from '../core/stock/reservation.ts'
import type { Stock } from '../core/stock/stock.ts'
import type { Changes } from './changes.ts'
import { type Client, ClientCounts } from './client-counts.ts'

/** Reads again this often, because Redis delivers notifications at most once. */
const POLL_MS = 2_000
/** Read by one command. */
const READ_TOGETHER_MAX = 200

export interface Watcher {
  /** The reservation as it is now; also when nothing has changed. */
  onRecord: (record: ReservationRecord) => void
  /** This process drains. */
  onEnd: () => void
}

/** Buyers of this process who wait for a change of their reservation. */
export class WatchedReservations {
  readonly #stock: Stock
  readonly #log: Logger
  readonly #clients: ClientCounts
  readonly #byId = new Map<string, { buyerId: string; watchers: Set<Watcher> }>()
  readonly #polling: Repeating

  constructor(stock: Stock, changes: Changes, log: Logger, watchersMax: number) {
    this.#stock = stock
    this.#log = log
    this.#clients = new ClientCounts(watchersMax)
    changes.subscribe({
      changed: (ids) => {
        void this.#read(ids)
      },
    })
    this.#polling = repeat(POLL_MS, () => this.#read([...this.#byId.keys()]), log)
  }

  /** How many wait now. */
  get count(): number {
    return this.#clients.count
  }

  /** As ClientCounts has it. */
  refusal(client: Client): ReturnType<ClientCounts['refusal']> {
    return this.#clients.refusal(client)
  }

  /**
   * Calls the watcher with the reservation as it is now, and after every change. @returns the end of it, to be called
   * once.
   */
  watch(reservationId: string, client: Client, watcher: Watcher): () => void {
    const watched = this.#byId.get(reservationId) ?? { buyerId: client.buyerId, watchers: new Set() }
    const { watchers } = watched
    watchers.add(watcher)
    this.#byId.set(reservationId, watched)
    const stopCounting = this.#clients.add(client)
    // Read after the registration, so that no change between the two is missed.
    void this.#read([reservationId])
    return () => {
      watchers.delete(watcher)
      if (watchers.size === 0) this.#byId.delete(reservationId)
      stopCounting()
    }
  }

  /** Ends all waiting, so that their connections can be closed. */
  async close(): Promise<void> {
    this.#clients.close()
    for (const watcher of [...this.#byId.values()].flatMap(({ watchers }) => [...watchers])) watcher.onEnd()
    await this.#polling.close()
  }

  /** Of those ids the ones that are watched. Never throws: the next poll reads again. */
  async #read(reservationIds: string[]): Promise<void> {
    const names = reservationIds.flatMap((reservationId) => {
      const watched = this.#byId.get(reservationId)
      return watched ? [{ reservationId, buyerId: watched.buyerId }] : []
    })
    const groups = [...groupBy(names, ({ reservationId }) => ledgerOf(reservationId))]
    const slices = groups.flatMap(([ledger, inLedger]) =>
      slicesOf(inLedger, READ_TOGETHER_MAX).map((some) => ({ ledger, some })),
    )
    for (const { ledger, some } of slices) {
      try {
        for (const record of await this.#stock.readReservations(ledger, some))
          if (record) for (const { onRecord } of this.#byId.get(record.reservationId)?.watchers ?? []) onRecord(record)
      } catch (error) {
        this.#log.debug({ err: (error as Error).message }, 'watched reservations not read')
      }
    }
  }
}
