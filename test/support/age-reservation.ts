import type { Redis } from 'ioredis'
import type { Stock } from '../../core/stock/stock.ts'

/**
 * Lets Redis take a reservation for one that was made so long ago, so that nobody has to wait until its lifetime is
 * over.
 */
export async function ageReservation(
  { redis, stock }: { redis: Redis; stock: Stock },
  saleId: string,
  reservationId: string,
  ageMs: number,
): Promise<void> {
  const reservedAtMs = (await stock.nowMs()) - ageMs
  await redis.hset(stock.keys.reservation(saleId, reservationId), 'reserved_at_ms', reservedAtMs)
  await redis.zadd(stock.keys.undecided(saleId), reservedAtMs, reservationId)
}
