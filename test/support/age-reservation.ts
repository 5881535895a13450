import type { Redis } from 'ioredis'
import type { Stock } from '../../core/stock/stock.ts'

/** Backdates a reservation in Redis, so that a test need not wait for the end of its lifetime. */
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
