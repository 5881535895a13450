import { BUCKETS_MAX, KeyedBuckets } from './keyed-buckets.ts'

/** What happens within this time shares one message. */
export const EXCHANGE_MS = 25

type Tokens = [key: string, tokens: number][]

/** A process reports what keys have spent since its last report of them; negative when they were given more back. */
export interface Spending {
  spentOf: string
  ratePerSecond: number
  burst: number
  tokens: Tokens
}

/** What keys have left, all processes together; negative after overspending. */
export interface Levels {
  leftOf: string
  tokens: Tokens
}

export interface Sharing {
  name: string
  ratePerSecond: number
  burst: number
  /** Processes that share the buckets. */
  processes: number
  report: (spending: Spending) => void
}

/**
 * Buckets that hold for all processes of a service together, however many there are, while no request waits for
 * another process. Each process lets a key spend the whole bucket, so that a client on one connection gets all of it,
 * and reports a key that has spent more than this process's share. The levels that come back lower the bucket in every
 * process. What a key overspends in all processes before that, it lacks afterwards: the rate holds in the long run.
 * Without answers to the reports, each process limits for itself.
 */
export class SharedBuckets extends KeyedBuckets {
  readonly #sharing: Sharing
  readonly #share: number
  readonly #unreported = new Map<string, number>()
  readonly #due = new Set<string>()

  constructor(sharing: Sharing) {
    super(sharing.ratePerSecond, sharing.burst)
    this.#sharing = sharing
    this.#share = Math.max(1, sharing.burst / sharing.processes)
  }

  override take(key: string): ReturnType<KeyedBuckets['take']> {
    const token = super.take(key)
    if (token.taken) this.#count(key, 1)
    return token
  }

  override giveBack(key: string): void {
    super.giveBack(key)
    this.#count(key, -1)
  }

  receive({ tokens }: Levels): void {
    for (const [key, left] of tokens) this.of(key).lowerTo(left)
  }

  #count(key: string, tokens: number): void {
    const unreported = (this.#unreported.get(key) ?? 0) + tokens
    this.#unreported.set(key, unreported)
    if (Math.abs(unreported) >= this.#share) {
      if (this.#due.size === 0) setTimeout(() => this.#report(), EXCHANGE_MS).unref()
      this.#due.add(key)
    }
    const [oldest] = this.#unreported.size > BUCKETS_MAX ? this.#unreported.keys() : []
    if (oldest !== undefined) this.#unreported.delete(oldest)
  }

  #report(): void {
    const { name, ratePerSecond, burst, report } = this.#sharing
    const tokens = [...this.#due].map((key): [string, number] => [key, this.#unreported.get(key) ?? 0])
    for (const key of this.#due) this.#unreported.delete(key)
    this.#due.clear()
    report({ spentOf: name, ratePerSecond, burst, tokens })
  }
}

/** Adds up what the processes report, and tells all of them what keys have left. Needs no configuration of its own. */
export function addUpSpending(tell: (levels: Levels) => void): (spending: Spending) => void {
  const all = new Map<string, { buckets: KeyedBuckets; due: Set<string> }>()

  return ({ spentOf, ratePerSecond, burst, tokens }) => {
    const { buckets, due } = all.get(spentOf) ?? { buckets: new KeyedBuckets(ratePerSecond, burst), due: new Set() }
    all.set(spentOf, { buckets, due })
    const isFirst = due.size === 0
    for (const [key, spent] of tokens) {
      buckets.of(key).spend(spent)
      due.add(key)
    }
    if (!isFirst || due.size === 0) return
    setTimeout(() => {
      const levels = [...due].map((key): [string, number] => [key, buckets.of(key).level()])
      due.clear()
      // Most keys are buyers who never come near their limit: no process needs to know of them.
      tell({ leftOf: spentOf, tokens: levels.filter(([, left]) => left <= burst / 2) })
    }, EXCHANGE_MS).unref()
  }
}
