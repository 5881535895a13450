import { setTimeout as delay } from 'node:timers/promises'
import type { OnAnswer } from './answers.ts'

/** Something that carries one request at a time: an HTTP connection, or a Redis client. */
export interface Lane {
  send: (token: string) => void
  close: () => void
}

export interface LaneEvents {
  onOpen: () => void
  onAnswer: OnAnswer
  onLost: (error: Error | undefined) => void
}

export type OpenLane = (events: LaneEvents) => Lane

/** What is remembered of a request until its answer comes. */
export interface InFlight {
  request: number
  sinceMs: number
}

export interface LanesOptions {
  openLane: OpenLane
  max: number
  /** A lane has become free. */
  onFree: () => void
  onAnswer: (inFlight: InFlight, ...answer: Parameters<OnAnswer>) => void
}

const REOPEN_PAUSE_MS = 20
const OPEN_LIMIT_MS = 15_000
const WATCH_MS = 5
const FAILURES_KEPT = 5

/** The lanes of one run: who is free, who waits for an answer, and a new one for each that was lost. */
export class Lanes {
  readonly failures: string[] = []
  /** Opened all that `open` was asked for. */
  isReady = false
  count = 0
  readonly #options: LanesOptions
  readonly #free: Lane[] = []
  readonly #all = new Set<Lane>()
  readonly #inFlight = new Map<Lane, InFlight>()
  #closed = false

  constructor(options: LanesOptions) {
    this.#options = options
  }

  /** Resolves when so many are connected. @throws when that takes too long. */
  async open(count: number): Promise<void> {
    this.grow(count)
    for (const until = performance.now() + OPEN_LIMIT_MS; this.#free.length < count; ) {
      if (performance.now() > until)
        throw new Error(
          `Only ${this.#free.length} of ${count} connections could be opened. ${this.failures.join('; ')}`,
        )
      await delay(WATCH_MS)
    }
    this.isReady = true
  }

  hasFree = () => this.#free.length > 0

  /** The last freed goes first: as few as possible are kept busy. */
  send(inFlight: InFlight, token: string): void {
    const lane = this.#free.pop()
    if (!lane) throw new Error('No lane is free.')
    this.#inFlight.set(lane, inFlight)
    lane.send(token)
  }

  /** Opens as many more, up to the bound. */
  grow(wanted: number): void {
    const opening = this.count - this.#free.length - this.#inFlight.size
    for (let more = Math.min(wanted - opening, this.#options.max - this.count); more > 0; more--) this.#openOne()
  }

  /** Resolves when no answer is awaited any more, or the limit has passed. */
  async settled(limitMs: number): Promise<void> {
    for (const until = performance.now() + limitMs; this.#inFlight.size > 0 && performance.now() < until; )
      await delay(WATCH_MS)
  }

  close(): void {
    this.#closed = true
    for (const lane of this.#all) lane.close()
  }

  #openOne(): void {
    this.count += 1
    const lane = this.#options.openLane({
      onOpen: () => this.#becameFree(lane),
      onAnswer: (status, body) => {
        const inFlight = this.#inFlight.get(lane)
        if (!inFlight) return this.#failed('an answer that nobody had asked for')
        this.#inFlight.delete(lane)
        this.#options.onAnswer(inFlight, status, body)
        this.#becameFree(lane)
      },
      onLost: (error) => void this.#replace(lane, error),
    })
    this.#all.add(lane)
  }

  #becameFree(lane: Lane): void {
    this.#free.push(lane)
    if (this.isReady) this.#options.onFree()
  }

  async #replace(lane: Lane, error: Error | undefined): Promise<void> {
    this.count -= 1
    this.#all.delete(lane)
    // Closed while idle is the server's right; a request that was on its way is lost, and shows as unanswered.
    if (this.#inFlight.delete(lane) || error) this.#failed(error?.message ?? 'closed before its answer')
    const at = this.#free.indexOf(lane)
    if (at >= 0) this.#free.splice(at, 1)
    await delay(REOPEN_PAUSE_MS)
    if (!this.#closed) this.#openOne()
  }

  #failed(what: string): void {
    if (this.failures.length < FAILURES_KEPT) this.failures.push(what)
  }
}
