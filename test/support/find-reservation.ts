import type { RedisClient } from '../../core/platform/stores/redis.ts'
import { memberOf, type ReservationRecord, reservationsOf, withOrder } from '../../core/stock/reservation.ts'
import { ledgersOf, saleOf } from '../../core/stock/shards.ts'
import type { Stock } from '../../core/stock/stock.ts'

/** Every reservation in the books of a sale. */
export async function reservationsIn(
  { redis, stock }: { redis: RedisClient; stock: Stock },
  saleId: string,
): Promise<ReservationRecord[]> {
  const shards = Number((await redis.hget(stock.keys.sale(saleId), 'shards')) ?? 1)
  const ofLedgers = await Promise.all(
    ledgersOf(saleId, shards).map(async (ledger) => {
      const [book, orders] = await Promise.all([
        redis.hgetall(stock.keys.book(ledger)),
        redis.hgetall(stock.keys.orders(ledger)),
      ])
      return Object.entries(book)
        .flatMap(([buyerId, record]) => reservationsOf(ledger, buyerId, record))
        .map((reservation) => withOrder(reservation, orders[memberOf(reservation)]))
    }),
  )
  return ofLedgers.flat()
}

/** A reservation of a buyer whom the test does not know. */
export async function findReservation(
  world: { redis: RedisClient; stock: Stock },
  reservationId: string,
): Promise<ReservationRecord | undefined> {
  const all = await reservationsIn(world, saleOf(reservationId))
  return all.find((reservation) => reservation.reservationId === reservationId)
}
