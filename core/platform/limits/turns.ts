export interface TurnLimits {
  /** Work that is done at once. */
  atOnce: number
  /** More waits; beyond this the one is refused whose turn would come last. */
  waitingMax: number
  /** What has waited longer is refused. */
  waitMsMax: number
  /** For work that is of use also when its caller leaves before it ends; otherwise the newest is first. */
  oldestFirst?: boolean
}

/** `FULL`, `LATE`: refused. `GONE`: its caller does not want it any more. */
export type Turn = 'GIVEN' | 'FULL' | 'LATE' | 'GONE'

interface Waiting {
  sinceMs: number
  isGone: () => boolean
  end: (turn: Turn) => void
}

/**
 * Bounds work by count and by age. The newest gets the next turn, unless told otherwise: in the order of arrival each
 * would have waited nearly as long as its caller does, so that under load all work would be done for callers who have
 * left (congestion collapse).
 */
export class Turns {
  readonly #limits: TurnLimits
  /** The oldest first. */
  readonly #waiting: Waiting[] = []
  #working = 0
  #timer: NodeJS.Timeout | undefined

  constructor(limits: TurnLimits) {
    this.#limits = limits
  }

  /** After GIVEN the caller gives the turn back. @param isGone read when its turn has come */
  take(isGone: () => boolean): Promise<Turn> {
    return new Promise((end) => {
      this.#waiting.push({ sinceMs: performance.now(), isGone, end })
      this.#giveTurns()
      if (this.#waiting.length > this.#limits.waitingMax) this.#refuseLast()
      this.#watchAge()
    })
  }

  giveBack(): void {
    this.#working -= 1
    this.#giveTurns()
  }

  #giveTurns(): void {
    while (this.#working < this.#limits.atOnce) {
      const next = this.#takeFrom(this.#limits.oldestFirst ? 'oldest' : 'newest')
      if (!next) return
      const turn = this.#isLate(next) ? 'LATE' : 'GIVEN'
      if (this.#end(next, turn) === 'GIVEN') this.#working += 1
    }
  }

  #end({ isGone, end }: Waiting, turn: Turn): Turn {
    const ended = isGone() ? 'GONE' : turn
    end(ended)
    return ended
  }

  #takeFrom(end: 'oldest' | 'newest'): Waiting | undefined {
    return end === 'oldest' ? this.#waiting.shift() : this.#waiting.pop()
  }

  #refuseLast(): void {
    const last = this.#takeFrom(this.#limits.oldestFirst ? 'newest' : 'oldest')
    if (last) this.#end(last, 'FULL')
  }

  #isLate = ({ sinceMs }: Waiting) => performance.now() - sinceMs > this.#limits.waitMsMax

  /** One timer, for the oldest. */
  #watchAge(): void {
    const [oldest] = this.#waiting
    if (this.#timer || !oldest) return
    const leftMs = oldest.sinceMs + this.#limits.waitMsMax - performance.now()
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      for (let [first] = this.#waiting; first && this.#isLate(first); [first] = this.#waiting) {
        this.#waiting.shift()
        this.#end(first, 'LATE')
      }
      this.#watchAge()
    }, Math.ceil(leftMs) + 1)
    this.#timer.unref()
  }
}
