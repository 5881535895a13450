import type { ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { LiveFrame } from '../../core/contracts/control-room.ts'
import type { Logger } from '../../core/platform/process/log.ts'

const EVERY_MS = 1_000
/** Frames of the time before that a new watcher gets. */
const KEPT_FRAMES = 120
/** How long frames go on after the last watcher has left, so that a reload of the page finds no gap. */
const LINGER_MS = 5_000
const WATCHERS_MAX = 50
/** A watcher with more unread bytes has stopped reading, and is disconnected. */
const UNREAD_BYTES_MAX = 1_000_000

/** Sends frames to all watchers, from one loop that runs only while there are any. */
export class Broadcast {
  readonly #sample: () => Promise<LiveFrame>
  readonly #log: Logger
  readonly #watchers = new Set<ServerResponse>()
  #frames: LiveFrame[] = []
  #loop: Promise<void> | undefined
  #lastSeenAtMs = 0
  #closed = false

  constructor(sample: () => Promise<LiveFrame>, log: Logger) {
    this.#sample = sample
    this.#log = log
  }

  /** Whether frames are being made. */
  get isRunning(): boolean {
    return this.#loop !== undefined
  }

  isFull(): boolean {
    return this.#closed || this.#watchers.size >= WATCHERS_MAX
  }

  /** Sends the last two minutes, and every frame from now on, until the watcher goes. */
  watch(res: ServerResponse): void {
    this.#watchers.add(res)
    res.once('close', () => {
      this.#watchers.delete(res)
      this.#lastSeenAtMs = Date.now()
    })
    res.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store', 'X-Accel-Buffering': 'no' })
    const sinceMs = Date.now() - KEPT_FRAMES * EVERY_MS
    this.#frames = this.#frames.filter(({ atMs }) => atMs > sinceMs)
    res.write(`retry: 1000\n\n${eventOf('history', this.#frames)}`)
    this.#loop ??= this.#run().finally(() => {
      this.#loop = undefined
    })
  }

  /** Ends every stream and waits for the frame in hand. */
  async close(): Promise<void> {
    this.#closed = true
    for (const res of this.#watchers) res.end()
    await this.#loop
  }

  async #run(): Promise<void> {
    while (!this.#closed && (this.#watchers.size > 0 || Date.now() - this.#lastSeenAtMs < LINGER_MS)) {
      const beganAtMs = performance.now()
      try {
        this.#send(await this.#sample())
      } catch (error) {
        this.#log.error({ err: error }, 'a live frame could not be made')
      }
      await sleep(Math.max(0, EVERY_MS - (performance.now() - beganAtMs)))
    }
  }

  #send(frame: LiveFrame): void {
    this.#frames = [...this.#frames, frame].slice(-KEPT_FRAMES)
    const text = eventOf('frame', frame)
    for (const res of this.#watchers) {
      if (res.writableLength > UNREAD_BYTES_MAX) res.destroy()
      else res.write(text)
    }
  }
}

const eventOf = (event: string, data: unknown) => `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`
