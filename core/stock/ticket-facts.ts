import { createHash } from 'node:crypto'
import type { ChainableCommander } from 'ioredis'
import type { RedisClient } from '../platform/stores/redis.ts'
import type { StockKeys } from './keys.ts'
import { reservationsOf } from './reservation.ts'
import type { SaleFigures } from './sale-figures.ts'
import { ledgerForBuyer } from './shards.ts'

/** Accounts of one address are told apart up to about so many: then its set stops growing. */
const ACCOUNTS_MAX = 4_096
/** An address without requests for so long counts as new. */
const FORGOTTEN_AFTER_MS = 3_600_000

export interface TicketFacts {
  isBlacklisted: boolean
  accountsOfAddress: number
  lapsedOrders: number
}

/**
 * What Redis knows of a buyer who asks for a ticket; notes that they have asked from that address. In one round trip,
 * by commands that the services' user has the right to anyway. @throws when Redis does not answer in time.
 */
export async function readTicketFacts(
  redis: RedisClient,
  keys: StockKeys,
  sale: Pick<SaleFigures, 'saleId' | 'shards'>,
  buyerId: string,
  address: string,
): Promise<TicketFacts> {
  const ledger = ledgerForBuyer(sale, buyerId)
  const accounts = keys.accounts(sale.saleId, address)
  // On a cluster the buyer's shard and the sale's own keys may be on different servers.
  const [[isListed, record], [, , count]] = await Promise.all([
    answersOf(redis.multi().sismember(keys.blacklist(ledger), buyerId).hget(keys.book(ledger), buyerId)),
    answersOf(
      redis.multi().zadd(accounts, 0, accountSlot(buyerId)).pexpire(accounts, FORGOTTEN_AFTER_MS).zcard(accounts),
    ),
  ])
  return {
    isBlacklisted: isListed === 1,
    lapsedOrders: reservationsOf(ledger, buyerId, record as string | null).filter(({ reason }) => reason === 'UNPAID')
      .length,
    accountsOfAddress: Number(count),
  }
}

async function answersOf(commands: ChainableCommander): Promise<unknown[]> {
  return ((await commands.exec()) ?? []).map(([error, value]) => {
    if (error) throw error
    return value
  })
}

const accountSlot = (buyerId: string) =>
  String(createHash('sha256').update(buyerId).digest().readUInt32BE() % ACCOUNTS_MAX)
