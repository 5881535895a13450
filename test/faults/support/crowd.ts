import { setTimeout as sleep } from 'node:timers/promises'
import { type Held, PlannedBuyer, type Plan } from './buyer.ts'
import { Calls } from './calls.ts'
import { Random } from './random.ts'
import type { AnyServers } from './servers.ts'
import type { Shop } from './shop.ts'
import { drawWishes } from './wishes.ts'

export interface CrowdOptions {
  buyers: number
  /** Each under a key of its own, the first without. */
  purchasesOfEach: number
  arriveWithinMs: number
  seed: number
}

export const nameOfBuyer = (i: number) => `buyer-${i}`

/** Plans are drawn from these, so of ten buyers one cancels. */
const PLANS: readonly Plan[] = [
  'pays',
  'pays',
  'pays',
  'pays',
  'pays',
  'pays late',
  'pays late',
  'cancels',
  'lapses',
  'lapses',
]

/** Buyers who come to a sale, each for several purchases at a time, and stay until each has a unit or all are paid for. */
export class Crowd {
  readonly calls = new Calls()
  /** One for each purchase. */
  readonly buyers: PlannedBuyer[]
  /** Resolves when all buyers have left. */
  readonly gone: Promise<void>
  #isOver = false
  #isAbandoned = false

  constructor(shop: Shop<AnyServers>, saleId: string, { buyers, purchasesOfEach, arriveWithinMs, seed }: CrowdOptions) {
    const random = new Random(seed)
    this.buyers = Array.from(
      { length: buyers * purchasesOfEach },
      (_, i) =>
        new PlannedBuyer({
          id: nameOfBuyer(i % buyers),
          token: shop.signIn(nameOfBuyer(i % buyers)),
          saleId,
          key: i < buyers ? undefined : `purchase-${Math.floor(i / buyers)}`,
          plan: random.pick(PLANS),
          wishes: drawWishes(random, saleId),
          gateways: shop.gateways,
          calls: this.calls,
          random: new Random(seed + i),
          isOver: () => this.#isOver,
          isAbandoned: () => this.#isAbandoned,
        }),
    )
    this.gone = Promise.all(
      this.buyers.map(async (buyer) => {
        await sleep(random.between(0, arriveWithinMs))
        await buyer.shop()
      }),
    ).then(() => {})
  }

  /** From now on every buyer who gets an order pays for it. */
  everybodyPays(): void {
    for (const buyer of this.buyers) buyer.plan = 'pays'
  }

  /** Every unit is paid for: buyers without one leave. */
  soldThrough(): void {
    this.#isOver = true
  }

  /** All buyers leave at once, with their reservations as they are. */
  abandon(): void {
    this.#isAbandoned = true
  }

  /** Every reservation that was ever answered with 202. */
  accepted(): Held[] {
    return this.buyers.flatMap((buyer) => buyer.held)
  }

  /** Accepted reservations without a final status. */
  open(): Held[] {
    return this.accepted().filter((held) => !held.end)
  }
}
