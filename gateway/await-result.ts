import type { IncomingHttpHeaders, ServerResponse } from 'node:http'
import type { ReservationRecord } from '../core/stock/ledger.ts'
import type { WatchedReservations } from './watched-reservations.ts'

/** Shorter than what proxies, and our own limit on silence, let a request go without an answer. */
const WAIT_SECONDS_MAX = 30

/** Seconds of `Prefer: wait=N` (RFC 7240), at most 30; undefined without, and for what is none. The first one counts. */
export function preferredWait({ prefer }: IncomingHttpHeaders): number | undefined {
  const preferences = (Array.isArray(prefer) ? prefer.join(',') : prefer ?? '').split(',')
  const wait = preferences.map((preference) => /^\s*wait\s*(?:=\s*"?([^";]*?)"?\s*)?(?:;|$)/i.exec(preference)).find((found) => found !== null)
  const seconds = wait?.[1] ?? ''
  return /^\d*[1-9]\d*$/.test(seconds) ? Math.min(Number(seconds), WAIT_SECONDS_MAX) : undefined
}

export interface Waiting {
  reservationId: string
  buyerId: string
  waitSeconds: number
  /** Whose caller may give up. */
  res: ServerResponse
}

/**
 * Waits until the reservation has left RESERVED, the time is over, the caller is gone, or this process drains.
 * @returns the latest that is known; undefined when nothing is, or too many wait already and it was not waited for.
 */
export async function awaitResult(watched: WatchedReservations, { reservationId, buyerId, waitSeconds, res }: Waiting): Promise<ReservationRecord | undefined> {
  if (watched.refusal(buyerId)) return undefined
  let latest: ReservationRecord | undefined
  let end = () => {}
  const ended = new Promise<void>((resolve) => { end = resolve })
  const stop = watched.watch(reservationId, buyerId, {
    onRecord(record) {
      latest = record
      if (record.status !== 'RESERVED') end()
    },
    onEnd: end,
  })
  const timer = setTimeout(end, waitSeconds * 1_000)
  res.once('close', end)
  await ended
  stop()
  clearTimeout(timer)
  res.off('close', end)
  return latest
}
