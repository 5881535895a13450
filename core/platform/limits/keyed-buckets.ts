import { TokenBucket } from './token-bucket.ts'

/** Beyond this the least recently used bucket is dropped, so its key begins with a full one again. */
export const BUCKETS_MAX = 10_000

/** A token bucket of its own for each key, in bounded memory. */
export class KeyedBuckets {
  readonly #make: () => TokenBucket
  readonly #bucketsMax: number
  readonly #buckets = new Map<string, TokenBucket>()

  constructor(ratePerSecond: number, burst: number, bucketsMax = BUCKETS_MAX) {
    this.#make = () => new TokenBucket(ratePerSecond, burst)
    this.#bucketsMax = bucketsMax
  }

  /** Takes one token of that key's bucket, or returns the ms until there is one. */
  take(key: string): ReturnType<TokenBucket['take']> {
    return this.of(key).take()
  }

  giveBack(key: string): void {
    this.of(key).spend(-1)
  }

  /** The bucket of that key, which becomes the most recently used one. */
  of(key: string): TokenBucket {
    const bucket = this.#buckets.get(key) ?? this.#make()
    // A map keeps the order of insertion: the key moves to its end.
    this.#buckets.delete(key)
    this.#buckets.set(key, bucket)
    const [oldest] = this.#buckets.size > this.#bucketsMax ? this.#buckets.keys() : []
    if (oldest !== undefined) this.#buckets.delete(oldest)
    return bucket
  }
}
