import type { Right } from '../platform/redis-check.ts'
import { StockKeys } from './keys.ts'

/**
 * What the ledger's scripts and wrappers, and the audit, call in Redis: the rights that the services' user needs. Each
 * stands here with a key of the kind it is called on, since a user's rights may differ from key to key. The sale named
 * here does not exist, and nothing is called: Redis is only asked whether it would allow it.
 */
export function ledgerRights(keyPrefix: string): Right[] {
  const keys = new StockKeys(keyPrefix)
  const [sale, blacklist, pending, undecided, holders] = [keys.sale('x'), keys.blacklist('x'), keys.pending('x'), keys.undecided('x'), keys.holders('x')]
  const [buyer, reservation, bucket] = [keys.buyer('x', 'x'), keys.reservation('x', 'x.x'), keys.bucket('x', 'buyer', 'x')]
  const onKeys = ([
    ['HGETALL', sale], ['HMGET', sale, 'f'], ['HGET', sale, 'f'], ['HSET', sale, 'f', 'v'], ['HINCRBY', sale, 'f', '1'], ['PEXPIREAT', sale, '1'], ['DEL', sale],
    ['SISMEMBER', blacklist, 'm'], ['SADD', blacklist, 'm'], ['SREM', blacklist, 'm'], ['DEL', blacklist], ['PEXPIREAT', blacklist, '1'],
    ['MGET', bucket], ['SET', bucket, 'v', 'PX', '1'],
    ['GET', buyer], ['SET', buyer, 'v', 'PXAT', '1'], ['DEL', buyer],
    ['HGETALL', reservation], ['HMGET', reservation, 'f'], ['HGET', reservation, 'f'], ['HSET', reservation, 'f', 'v'], ['PEXPIREAT', reservation, '1'],
    ['XLEN', pending], ['XADD', pending, '*', 'f', 'v'], ['XDEL', pending, '1-1'], ['XRANGE', pending, '-', '+'], ['PEXPIREAT', pending, '1'],
    ['ZADD', undecided, '1', 'm'], ['ZREM', undecided, 'm'], ['ZCARD', undecided], ['ZRANGE', undecided, '0', '1'], ['ZSCORE', undecided, 'm'], ['PEXPIREAT', undecided, '1'],
    ['GET', holders], ['SETBIT', holders, '1', '1'], ['PEXPIREAT', holders, '1'],
    ['ZADD', keys.sales(), '1', 'm'], ['ZRANGE', keys.sales(), '0', '1'], ['ZREMRANGEBYSCORE', keys.sales(), '1', '1'],
  ] as const).map((call) => ({ call, rule: `+${call[0].toLowerCase()} ~${keyPrefix}*` }))
  const onChannel = (['PUBLISH', 'SUBSCRIBE'] as const).map((name) => ({
    call: name === 'PUBLISH' ? [name, keys.changes(), 'm'] : [name, keys.changes()], rule: `+${name.toLowerCase()} &${keys.changes()}`,
  }))
  const others = [['EVAL', '', '0'], ['EVALSHA', '', '0'], ['INFO'], ['TIME'], ['SCAN', '0'], ['MULTI'], ['EXEC']]
    .map((call) => ({ call, rule: `+${call[0]?.toLowerCase()}` }))
  return [...others, ...onKeys, ...onChannel]
}
