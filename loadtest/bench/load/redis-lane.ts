import { Redis } from 'ioredis'
import type { ReserveLimits } from '../../../core/stock/reserving.ts'
import { SaleAdmin } from '../../../core/stock/sale-admin.ts'
import { Stock } from '../../../core/stock/stock.ts'
import type { OpenLane } from './lanes.ts'

const HOUR_MS = 3_600_000
const SALE = { saleId: 'ceiling', epoch: 1, total: 10_000_000 }
const ACCEPTED = 202
const REFUSED = 409
const NO_LIMIT = { ratePerSecond: 1e6, burst: 1e6 }
const LIMITS: ReserveLimits = { buyer: NO_LIMIT, address: NO_LIMIT, maxPending: 1e9, patienceMs: 60_000 }

export interface RedisLanes {
  openLane: OpenLane
  close: () => Promise<void>
}

/**
 * The reserve script alone, one call for one buyer in flight per connection, in a database of its own that is emptied
 * before and after.
 */
export async function redisLanes(url: string): Promise<RedisLanes> {
  const redis = new Redis(url)
  await redis.flushdb()
  const now = Date.now()
  const saleAdmin = new SaleAdmin(redis, '')
  await saleAdmin.close({
    ...SALE,
    title: 'Ceiling',
    priceCents: 100,
    perBuyerLimit: 1,
    opensAtMs: now - HOUR_MS,
    closesAtMs: now + HOUR_MS,
  })
  await saleAdmin.open(SALE.saleId, SALE.epoch, SALE.total)
  let next = 0

  const openLane: OpenLane = ({ onOpen, onAnswer, onLost }) => {
    const connection = new Redis(url, { retryStrategy: () => null })
    const stock = new Stock(connection, '')
    connection.once('ready', onOpen)
    connection.on('error', (error: Error) => onLost(error))
    return {
      close: () => connection.disconnect(),
      send: () => {
        const number = next++
        const request = {
          reservationId: `${SALE.saleId}.${number}`,
          buyerId: `buyer-${number}`,
          address: 'ceiling',
          quantity: 1,
          limitPerBuyer: 1,
        }
        stock.reserve(SALE, [request], LIMITS).then(
          ([outcome]) => onAnswer(outcome?.status === 'RESERVED' ? ACCEPTED : REFUSED, () => ''),
          (error: Error) => onLost(error),
        )
      },
    }
  }
  return {
    openLane,
    async close() {
      await redis.flushdb()
      redis.disconnect()
    },
  }
}
