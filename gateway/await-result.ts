import type { IncomingHttpHeaders, ServerResponse } from 'node:http'
import type { ReservationRecord } from '../core/stock/reservation.ts'
import type { WatchedReservations } from './watched-reservations.ts'

/** Shorter than what proxies, and our own limit on silence, let a request go without an answer. */
const WAIT_SECONDS_MAX = 30

/**
 * Anybody sends what they like. No two repetitions beside one another may match the same text: 16 KB of blanks would be
 * tried for minutes.
 */
const WAIT = /^wait(?:\s*=\s*"?([^"\s]*)"?)?$/i

/**
 * Seconds of `Prefer: wait=N` (RFC 7240), at most 30; undefined without, and for what is none. The first one counts.
 */
export function preferredWait({ prefer }: IncomingHttpHeaders): number | undefined {
  const preferences = (Array.isArray(prefer) ? prefer.join(',') : (prefer ?? '')).split(',')
  const wait = preferences
    .map((preference) => WAIT.exec(preference.split(';', 1)[0]?.trim() ?? ''))
    .find((found) => found !== null)
  const seconds = wait?.[1] ?? ''
  return /^\d+$/.test(seconds) && Number(seconds) > 0 ? Math.min(Number(seconds), WAIT_SECONDS_MAX) : undefined
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
export async function awaitResult(
  watched: WatchedReservations,
  { reservationId, buyerId, waitSeconds, res }: Waiting,
): Promise<ReservationRecord | undefined> {
  // A caller who left while the reservation was read has said so already, and would be waited for to the end.
  if (res.closed || watched.refusal(buyerId)) return undefined
  let latest: ReservationRecord | undefined
  let end = () => {}
  const ended = new Promise<void>((resolve) => {
    end = resolve
  })
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
