import type { RedisClient } from '../../core/platform/stores/redis.ts'
import { ledgerOf, localId, memberOf, type ReservationName } from '../../core/stock/reservation.ts'
import type { Stock } from '../../core/stock/stock.ts'

/** Backdates a reservation in Redis, so that a test need not wait for the end of its lifetime. */
export async function ageReservation(
  { redis, stock }: { redis: RedisClient; stock: Stock },
  name: ReservationName,
  ageMs: number,
): Promise<void> {
  const reservedAtMs = (await stock.clock.read()) - ageMs
  await changeReservation({ redis, stock }, name, { reservedAtMs: String(reservedAtMs) })
  await redis.zadd(stock.keys.undecided(ledgerOf(name.reservationId)), reservedAtMs, memberOf(name))
}

const FIELDS = [
  'id',
  'status',
  'orderId',
  'reason',
  'quantity',
  'epoch',
  'key',
  'wishes',
  'claims',
  'reservedAtMs',
] as const

/** Changes fields of a reservation in the book, as no script would. */
export async function changeReservation(
  { redis, stock }: { redis: RedisClient; stock: Stock },
  { reservationId, buyerId }: ReservationName,
  changes: Partial<Record<(typeof FIELDS)[number], string>>,
): Promise<void> {
  const ledger = ledgerOf(reservationId)
  const [book, orders] = [stock.keys.book(ledger), stock.keys.orders(ledger)]
  const record = await stock.readReservation({ reservationId, buyerId })
  const known = { status: record?.status, orderId: record?.orderId, ...changes }
  const lines = ((await redis.hget(book, buyerId)) ?? '').split('\n').map((line) => {
    const fields = line.split('\t')
    if (fields[0] !== localId(reservationId)) return line
    return FIELDS.map((name, i) => (known as typeof changes)[name] ?? fields[i] ?? '').join('\t')
  })
  await redis.hset(book, buyerId, lines.join('\n'))
  await redis.hdel(orders, memberOf({ reservationId, buyerId }))
}

/** Writes a reservation into the book that was never made, as no script would. */
export async function inventReservation(
  { redis, stock }: { redis: RedisClient; stock: Stock },
  { reservationId, buyerId }: ReservationName,
  fields: Partial<Record<(typeof FIELDS)[number], string>>,
): Promise<void> {
  const book = stock.keys.book(ledgerOf(reservationId))
  const all = { id: localId(reservationId), quantity: '1', epoch: '1', reservedAtMs: String(Date.now()), ...fields }
  const line = FIELDS.map((name) => (all as Record<string, string>)[name] ?? '').join('\t')
  const record = await redis.hget(book, buyerId)
  await redis.hset(book, buyerId, record === null ? line : `${record}\n${line}`)
}
