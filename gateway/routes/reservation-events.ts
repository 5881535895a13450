import type { Response } from 'express'
import { addressForLimit } from '../../core/platform/http/client-address.ts'
import { ProblemError } from '../../core/platform/http/problem.ts'
import type { BuyersHandler } from '../../core/platform/http/signed-in.ts'
import type { ReservationRecord } from '../../core/stock/reservation.ts'
import type { Stock } from '../../core/stock/stock.ts'
import { reservationView } from '../answers.ts'
import type { Client, WatchedReservations } from '../watched-reservations.ts'
import { readOwn } from './reservations.ts'

/** Sent to the client: pause before it reconnects. */
const RETRY_MS = 2_000
/** Well within the idle limits of proxies and of our own server. */
const HEARTBEAT_MS = 15_000
/** Risk control may veto an order shortly after it was paid: the stream stays open for that event, too. */
const AFTER_PAID_MS = 10_000
/** The stream then ends: the client reconnects to a process that has room, and its token is verified again. */
const STREAM_MS_MAX = 15 * 60_000
const RETRY_AFTER_SECONDS = 5

/** GET /reservations/:reservationId/events: server-sent events, one for each status, until the last. */
export function getReservationEvents(
  stock: Stock,
  watched: WatchedReservations,
): BuyersHandler<{ reservationId: string }> {
  return async (req, res) => {
    const { reservationId } = req.params
    const buyerId = res.locals.buyer.id
    const record = await readOwn(stock, reservationId, buyerId)
    // The client is gone and 'close' has fired: opening now would leak the watcher and its heartbeat.
    if (res.closed) return
    const lastEventId = req.get('last-event-id')
    // EventSource reconnects after every end, except after 204.
    if (lastEventId === record.status && isFinal(record)) return void res.status(204).end()
    const client = { buyerId, address: addressForLimit(req.ip ?? '') }
    refuseIfFull(watched, client)
    res.writeHead(200, { 'Content-Type': 'text/event-stream; charset=utf-8', 'X-Accel-Buffering': 'no' })
    if (req.method === 'HEAD') return void res.end()
    res.write(`retry: ${RETRY_MS}\n\n`)
    stream(res, watched, { reservationId, client, lastEventId })
  }
}

function refuseIfFull(watched: WatchedReservations, client: Client): void {
  const refusal = watched.refusal(client)
  const retry = { retryAfterSeconds: RETRY_AFTER_SECONDS }
  if (refusal === 'FULL')
    throw new ProblemError(
      'BUSY',
      'Too many buyers wait here already; ask for the reservation itself from time to time.',
      retry,
    )
  if (refusal === 'TOO_MANY_OF_ADDRESS')
    throw new ProblemError(
      'RATE_LIMITED',
      'Too many streams are open from this address; ask for the reservation itself from time to time.',
      retry,
    )
  if (refusal) throw new ProblemError('RATE_LIMITED', 'You have too many streams open; close one.', retry)
}

const isFinal = ({ status }: ReservationRecord) => status !== 'RESERVED' && status !== 'ORDERED'

function stream(
  res: Response,
  watched: WatchedReservations,
  { reservationId, client, lastEventId }: { reservationId: string; client: Client; lastEventId: string | undefined },
): void {
  let latest = lastEventId
  const end = () => {
    res.end()
  }
  const write = (text: string) => {
    if (!res.writableEnded) res.write(text)
  }
  const timers = [setInterval(() => write(':\n\n'), HEARTBEAT_MS), setTimeout(end, STREAM_MS_MAX)]
  const stop = watched.watch(reservationId, client, {
    onRecord(record) {
      if (record.status === latest) return
      latest = record.status
      // The status is the event's id: each is sent once, and a reconnecting client names the last it received.
      write(`event: reservation\nid: ${record.status}\ndata: ${JSON.stringify(reservationView(record))}\n\n`)
      if (record.status === 'PAID') timers.push(setTimeout(end, AFTER_PAID_MS))
      else if (isFinal(record)) end()
    },
    onEnd: end,
  })
  res.once('close', () => {
    stop()
    for (const timer of timers) clearTimeout(timer)
  })
}
