import { addressForLimit } from '../../core/platform/http/client-address.ts'
import type { BuyersHandler } from '../../core/platform/http/signed-in.ts'
import type { ReservationRecord } from '../../core/stock/reservation.ts'
import type { Stock } from '../../core/stock/stock.ts'
import { reservationView } from '../answers.ts'
import type { Client } from '../client-counts.ts'
import type { WatchedReservations } from '../watched-reservations.ts'
import { type EventStream, refuseIfFull, startEventStream } from './event-stream.ts'
import { readOwn } from './reservations.ts'

/** Risk control may veto an order shortly after it was paid: the stream stays open for that event, too. */
const AFTER_PAID_MS = 10_000

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
    refuseIfFull(watched.refusal(client), 'ask for the reservation itself from time to time')
    startEventStream(res, (stream) => follow(stream, watched, { reservationId, client, lastEventId }))
  }
}

const isFinal = ({ status }: ReservationRecord) => status !== 'RESERVED' && status !== 'ORDERED'

/** @returns the end of it */
function follow(
  stream: EventStream,
  watched: WatchedReservations,
  { reservationId, client, lastEventId }: { reservationId: string; client: Client; lastEventId: string | undefined },
): () => void {
  let latest = lastEventId
  let lastly: NodeJS.Timeout | undefined
  const stop = watched.watch(reservationId, client, {
    onRecord(record) {
      if (record.status === latest) return
      latest = record.status
      // The status is the event's id: each is sent once, and a reconnecting client names the last it received.
      stream.send('reservation', reservationView(record), record.status)
      if (record.status === 'PAID') lastly = setTimeout(stream.end, AFTER_PAID_MS)
      else if (isFinal(record)) stream.end()
    },
    onEnd: stream.end,
  })
  return () => {
    stop()
    clearTimeout(lastly)
  }
}
