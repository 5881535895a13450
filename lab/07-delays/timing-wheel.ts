const TICK_MS = 10
const SLOTS = 512

interface Waiting<Item> {
  item: Item
  /** Full turns of the wheel that are left. */
  rounds: number
}

/**
 * A hashed timing wheel: a hand moves on by one slot each tick, and looks only at the items of that slot. Adding one is
 * a push to an array, however many wait. All of it is in the memory of this process.
 */
export class TimingWheel<Item> {
  readonly #slots: Waiting<Item>[][] = Array.from({ length: SLOTS }, () => [])
  readonly #onDue: (item: Item) => void
  readonly #startedAt = performance.now()
  readonly #timer: NodeJS.Timeout
  /** Ticks that the hand has made. */
  #hand = 0

  constructor(onDue: (item: Item) => void) {
    this.#onDue = onDue
    this.#timer = setInterval(() => this.#moveOn(), TICK_MS)
  }

  add(item: Item, delayMs: number): void {
    const dueAt = performance.now() - this.#startedAt + delayMs
    const ticks = Math.max(1, Math.ceil(dueAt / TICK_MS) - this.#hand)
    this.#slots[(this.#hand + ticks) % SLOTS]?.push({ item, rounds: Math.floor((ticks - 1) / SLOTS) })
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  /** A timer that fires late makes several ticks at once. */
  #moveOn(): void {
    while ((this.#hand + 1) * TICK_MS <= performance.now() - this.#startedAt) {
      this.#hand += 1
      const slot = this.#hand % SLOTS
      const waiting = this.#slots[slot] ?? []
      this.#slots[slot] = waiting.filter(({ rounds }) => rounds > 0)
      for (const each of waiting)
        if (each.rounds > 0) each.rounds -= 1
        else this.#onDue(each.item)
    }
  }
}
