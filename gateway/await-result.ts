import type { IncomingHttpHeaders, ServerResponse } from 'node:http'
import type { ReservationName, ReservationRecord } from '../core/stock/reservation.ts'
import type { WatchedReservations } from './watched-reservations.ts'

/** Shorter than the idle limits of proxies and of our own server. */
const WAIT_SECONDS_MAX = 30

/** Untrusted input: adjacent quantifiers must not overlap (ReDoS; 16 KB of blanks would take minutes). */
const WAIT = /^wait(?:\s*=\s*"?([^"\s]*)"?)?$/i

/**
 * Seconds of `Prefer: wait=N` (RFC 7240), at most 30; undefined when it is absent or malformed. The first one counts.
 */
export function preferredWait({ prefer }: IncomingHttpHeaders): number | undefined {
  const preferences = (Array.isArray(prefer) ? prefer.join(',') : (prefer ?? '')).split(',')
  const wait = preferences
    .map((preference) => WAIT.exec(preference.split(';', 1)[0]?.trim() ?? ''))
    .find((found) => found !== null)
  const seconds = wait?.[1] ?? ''
  return /^\d+$/.test(seconds) && Number(seconds) > 0 ? Math.min(Number(seconds), WAIT_SECONDS_MAX) : undefined
}

/** What `Prefer: wait` has waited for. */
export interface Waited {
  /** The latest. */
  record: ReservationRecord
  waitSeconds: number
}

/**
 * With `Prefer: wait=N`, waits until the reservation has left RESERVED, the time is over, the client is gone, or this
 * process drains.
 * @returns undefined without that header, when there is no record, or when too many wait already.
 */
export async function awaitAsPreferred(
  watched: WatchedReservations,
  { reservationId, buyerId }: ReservationName,
  address: string,
  res: ServerResponse,
): Promise<Waited | undefined> {
  const waitSeconds = preferredWait(res.req.headers)
  const client = { buyerId, address }
  // 'close' has fired already if the client left while the reservation was read: the wait would last to its end.
  if (waitSeconds === undefined || res.closed || watched.refusal(client)) return undefined
  let waited: Waited | undefined
  let end = () => {}
  const ended = new Promise<void>((resolve) => {
    end = resolve
  })
  const stop = watched.watch(reservationId, client, {
    onRecord(record) {
      waited = { record, waitSeconds }
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
  return waited
}
