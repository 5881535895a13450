import type { Redis } from 'ioredis'
import { memberOf, type ReservationRecord, reservationsOf, saleOf, withOrder } from '../../core/stock/reservation.ts'
import type { Stock } from '../../core/stock/stock.ts'

/** Every reservation in the book of a sale. */
export async function reservationsIn(
  { redis, stock }: { redis: Redis; stock: Stock },
  saleId: string,
): Promise<ReservationRecord[]> {
  const [book, orders] = await Promise.all([
    redis.hgetall(stock.keys.book(saleId)),
    redis.hgetall(stock.keys.orders(saleId)),
  ])
  return Object.entries(book)
    .flatMap(([buyerId, record]) => reservationsOf(saleId, buyerId, record))
    .map((reservation) => withOrder(reservation, orders[memberOf(reservation)]))
}

/** A reservation of a buyer whom the test does not know. */
export async function findReservation(
  world: { redis: Redis; stock: Stock },
  reservationId: string,
): Promise<ReservationRecord | undefined> {
  const all = await reservationsIn(world, saleOf(reservationId))
  return all.find((reservation) => reservation.reservationId === reservationId)
}
