import type { Response } from 'express'
import { ProblemError } from '../../core/platform/http/problem.ts'
import type { BuyersHandler } from '../../core/platform/http/signed-in.ts'
import type { ReservationRecord } from '../../core/stock/reservation.ts'
import type { Stock } from '../../core/stock/stock.ts'
import { reservationView } from '../answers.ts'
import type { WatchedReservations } from '../watched-reservations.ts'
import { readOwn } from './reservations.ts'

/** Told to the client: when to come again after a stream that broke off. */
const RETRY_MS = 2_000
/** Well within the time after which a connection without a byte is given up, ours and those of proxies. */
const HEARTBEAT_MS = 15_000
/**
 * Risk control reviews a payment when it hears of it, and may take the order back: whoever reads "paid" here hears
 * that, too.
 */
const AFTER_PAID_MS = 10_000
/** Whoever waits longer comes again, on whichever process has room, with a token that still holds. */
const STREAM_MS_MAX = 15 * 60_000
const COME_BACK_SECONDS = 5

/** GET /reservations/:reservationId/events: server-sent events, one for each status, until nothing more is to come. */
export function getReservationEvents(
  stock: Stock,
  watched: WatchedReservations,
): BuyersHandler<{ reservationId: string }> {
  return async (req, res) => {
    const { reservationId } = req.params
    const buyerId = res.locals.buyer.id
    const record = await readOwn(stock, reservationId, buyerId)
    // Nobody will tell us that they left: a stream that is opened now would be counted, and beat, for ever.
    if (res.closed) return
    const told = req.get('last-event-id')
    // EventSource comes again after every end, unless it is told that there is nothing more.
    if (told === record.status && isFinal(record)) return void res.status(204).end()
    refuseIfFull(watched, buyerId)
    res.writeHead(200, { 'Content-Type': 'text/event-stream; charset=utf-8', 'X-Accel-Buffering': 'no' })
    if (req.method === 'HEAD') return void res.end()
    res.write(`retry: ${RETRY_MS}\n\n`)
    stream(res, watched, { reservationId, buyerId, told })
  }
}

function refuseIfFull(watched: WatchedReservations, buyerId: string): void {
  const refusal = watched.refusal(buyerId)
  const comeBack = { retryAfterSeconds: COME_BACK_SECONDS }
  if (refusal === 'FULL')
    throw new ProblemError(
      'BUSY',
      'Too many buyers wait here already; ask for the reservation itself from time to time.',
      comeBack,
    )
  if (refusal) throw new ProblemError('RATE_LIMITED', 'You have too many streams open; close one.', comeBack)
}

const isFinal = ({ status }: ReservationRecord) => status !== 'RESERVED' && status !== 'ORDERED'

function stream(
  res: Response,
  watched: WatchedReservations,
  { reservationId, buyerId, told }: { reservationId: string; buyerId: string; told: string | undefined },
): void {
  let latest = told
  const end = () => {
    res.end()
  }
  const write = (text: string) => {
    if (!res.writableEnded) res.write(text)
  }
  const timers = [setInterval(() => write(':\n\n'), HEARTBEAT_MS), setTimeout(end, STREAM_MS_MAX)]
  const stop = watched.watch(reservationId, buyerId, {
    onRecord(record) {
      if (record.status === latest) return
      latest = record.status
      // The status is the event's id: each comes once, and says how far a client that comes again had heard.
      write(
        `event: reservation\nid: ${record.status}\ndata: ${JSON.stringify(reservationView(reservationId, record))}\n\n`,
      )
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
