import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from '../process/log.ts'

/** One entry of a message. */
export interface Part<Item> {
  item: Item
  /** Told when this very entry is what cannot be handled. */
  onPoison: (error: unknown) => void
}

export interface HandlingOptions<Item> {
  log: Logger
  /** Handles the items together or, throwing, none of them; those it was given before may be given again. */
  handle: (items: Item[]) => Promise<void>
  /** Whether trying the same again is futile. */
  isFutile: (error: unknown) => boolean
  /**
   * Whether what `handle` needs does not answer; asked after a failure. Then the items are for a consumer elsewhere.
   */
  isAway: () => Promise<boolean>
  /** While it stops, failed items go back to the queue for another consumer. */
  stop: AbortSignal
}

/** `AWAY`: what the items need does not answer. `STOPPED`: before all of them were handled. */
export type HandlingOutcome = 'DONE' | 'STOPPED' | 'AWAY'

const FIRST_PAUSE_MS = 100
const MAX_PAUSE_MS = 5_000
/**
 * What failed so often together may be too much for the 10 s of a transaction, and then fails for as long as it stays
 * together.
 */
const TRIES_TOGETHER = 3

/**
 * Retries with back-off while a server is away; after some tries with half the batch, which a slow server may manage.
 * Where no retry can help, the batch is halved until the poisonous entry is alone: some 20 attempts for one of 500, and
 * all others are handled.
 */
export async function handleItems<Item>(parts: Part<Item>[], options: HandlingOptions<Item>): Promise<HandlingOutcome> {
  const { log, handle, isFutile, isAway, stop } = options
  if (parts.length === 0) return 'DONE'
  for (let tries = 1, pauseMs = FIRST_PAUSE_MS; !stop.aborted; tries++, pauseMs = Math.min(pauseMs * 2, MAX_PAUSE_MS)) {
    try {
      await handle(parts.map(({ item }) => item))
      return 'DONE'
    } catch (error) {
      if (isFutile(error)) return await halve(parts, options, error)
      if (await isAway()) {
        log.warn({ err: error, items: parts.length }, 'batch failed, and what it needs does not answer')
        return 'AWAY'
      }
      log.warn({ err: error, items: parts.length, pauseMs }, 'batch failed, trying again')
      await pause(pauseMs, stop)
      if (tries >= TRIES_TOGETHER && parts.length > 1) return await inHalves(parts, options)
    }
  }
  return 'STOPPED'
}

async function halve<Item>(
  parts: Part<Item>[],
  options: HandlingOptions<Item>,
  error: unknown,
): Promise<HandlingOutcome> {
  const [only] = parts
  if (only && parts.length === 1) {
    options.log.error({ err: error }, 'message holds what cannot be handled, to the dead letters')
    only.onPoison(error)
    return 'DONE'
  }
  return await inHalves(parts, options)
}

async function inHalves<Item>(parts: Part<Item>[], options: HandlingOptions<Item>): Promise<HandlingOutcome> {
  const middle = Math.ceil(parts.length / 2)
  const first = await handleItems(parts.slice(0, middle), options)
  return first === 'DONE' ? await handleItems(parts.slice(middle), options) : first
}

/** Ends early when asked to stop. */
export async function pause(ms: number, stop: AbortSignal): Promise<void> {
  if (ms > 0) await delay(ms, undefined, { signal: stop }).catch(() => 'stopping')
}
