import { noRequests, type RequestGroup } from '../../core/contracts/control-room.ts'

const SECOND_MS = 1_000

/** Counts what the crowd asked and what it was told. */
export class Tally {
  asked = 0
  unanswered = 0
  paid = 0
  readonly answers = noRequests()
  readonly #moments: number[] = []
  #perSecondMax = 0

  answered(group: RequestGroup): void {
    this.answers[group] += 1
    this.#moments.push(performance.now())
  }

  /** Answers of the last second, and of the busiest one that was looked at. */
  rates(): { perSecond: number; perSecondMax: number } {
    const since = performance.now() - SECOND_MS
    const old = this.#moments.findIndex((moment) => moment > since)
    this.#moments.splice(0, old === -1 ? this.#moments.length : old)
    this.#perSecondMax = Math.max(this.#perSecondMax, this.#moments.length)
    return { perSecond: this.#moments.length, perSecondMax: this.#perSecondMax }
  }
}

/** `held`: the buyer was told this reservation before. */
export function groupOf(status: number, held: boolean): RequestGroup {
  switch (status) {
    case 200:
    case 202:
      return held ? 'repeated' : 'accepted'
    case 409:
      return 'soldOut'
    case 429:
      return 'limited'
    case 503:
      return 'busy'
    default:
      return 'other'
  }
}
