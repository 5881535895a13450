/**
 * The usual queue design: Redis decides, one message per buyer with a confirm of its own, a consumer
 * (queue-consumer.ts) writes the rows. What it lacks is what the tests of this repository are about: a process that
 * dies between the decrement and the publish loses a unit without a trace.
 */
import { Redis, type Result } from 'ioredis'
import { database } from './database.ts'
import { newOrder, type Purchase, type PurchaseOutcome, serve } from './frame.ts'
import { NAIVE_QUEUE, openQueue } from './queue-channel.ts'

/** KEYS: stock, the buyer's mark. ARGV: quantity. Returns 1 taken, 0 sold out, -1 the buyer has bought, -2 not open. */
const TAKE = `
  local stock = redis.call('GET', KEYS[1])
  if not stock then return -2 end
  if redis.call('EXISTS', KEYS[2]) == 1 then return -1 end
  if tonumber(stock) < tonumber(ARGV[1]) then return 0 end
  redis.call('DECRBY', KEYS[1], ARGV[1])
  redis.call('SET', KEYS[2], ARGV[1])
  return 1`

const stockKey = (saleId: string) => `naive:{${saleId}}:stock`
const buyerKey = (saleId: string, buyerId: string) => `naive:{${saleId}}:buyer:${buyerId}`

const redis = new Redis(process.env.REDIS_URL ?? '')
redis.defineCommand('take', { numberOfKeys: 2, lua: TAKE })
const scripts = redis as Redis & {
  take: (stock: string, buyer: string, quantity: number) => Result<number, { type: 'default' }>
}
const channel = await openQueue()

async function buy(purchase: Purchase): Promise<PurchaseOutcome> {
  const { saleId, buyerId, quantity } = purchase
  const taken = await scripts.take(stockKey(saleId), buyerKey(saleId, buyerId), quantity)
  if (taken === 0) return { status: 'SOLD_OUT' }
  if (taken < 0) return { status: taken === -1 ? 'DUPLICATE' : 'NOT_OPEN' }
  const { reservationId } = newOrder(purchase, 0)
  await publish({ ...purchase, reservationId })
  return { status: 'RESERVED', reservationId }
}

async function publish(message: Purchase & { reservationId: string }): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const onConfirm = (error: Error | null) => {
      if (error) reject(error)
      else resolve()
    }
    channel.sendToQueue(NAIVE_QUEUE, Buffer.from(JSON.stringify(message)), { persistent: true }, onConfirm)
  })
}

async function open(saleId: string): Promise<void> {
  const sale = await database.sale.findUniqueOrThrow({ where: { id: saleId } })
  await redis.set(stockKey(saleId), sale.stock - sale.sold)
}

serve({ buy, open })
