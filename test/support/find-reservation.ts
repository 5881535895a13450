import type { Redis } from 'ioredis'
import { type ReservationRecord, reservationsOf, saleOf } from '../../core/stock/reservation.ts'
import type { Stock } from '../../core/stock/stock.ts'

/** Every reservation in the book of a sale. */
export async function reservationsIn(
  { redis, stock }: { redis: Redis; stock: Stock },
  saleId: string,
): Promise<ReservationRecord[]> {
  const book = await redis.hgetall(stock.keys.book(saleId))
  return Object.entries(book).flatMap(([buyerId, record]) => reservationsOf(saleId, buyerId, record))
}

/** A reservation of a buyer whom the test does not know. */
export async function findReservation(
  world: { redis: Redis; stock: Stock },
  reservationId: string,
): Promise<ReservationRecord | undefined> {
  const all = await reservationsIn(world, saleOf(reservationId))
  return all.find((reservation) => reservation.reservationId === reservationId)
}
