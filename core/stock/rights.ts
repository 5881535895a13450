import type { Right } from '../platform/stores/redis-check.ts'
import { StockKeys } from './keys.ts'

/**
 * What the scripts and wrappers of ledger and waiting room, and the audit, call in Redis: the rights that the
 * services' user needs. Each stands here with a key of the kind it is called on, since a user's rights may differ from
 * key to key. The sale named here does not exist, and nothing is called: Redis is only asked whether it would allow
 * it.
 */
export function ledgerRights(keyPrefix: string): Right[] {
  const keys = new StockKeys(keyPrefix)
  const [sale, blacklist, pending] = [keys.sale('x'), keys.blacklist('x'), keys.pending('x')]
  const [undecided, holders, book, orders] = [keys.undecided('x'), keys.holders('x'), keys.book('x'), keys.orders('x')]
  const room = keys.room('x')
  const ofRoom = [keys.early('x'), keys.line('x'), keys.members('x'), keys.seen('x'), keys.away('x'), keys.kept('x')]
  const earlyMembers = keys.earlyMembers('x')
  const admissions = [keys.admitted('x'), keys.outstanding('x')]
  const marks = [keys.marks('x', 'even', 1), keys.marks('x', 'odd', 1)]
  const hash = (key: string) => [
    ['HGETALL', key],
    ['HMGET', key, 'f'],
    ['HGET', key, 'f'],
    ['HSET', key, 'f', 'v'],
    ['PEXPIREAT', key, '1'],
  ]
  const onKeys = [
    ...hash(sale),
    ['HINCRBY', sale, 'f', '1'],
    ['HSETNX', sale, 'f', 'v'],
    ['DEL', sale],
    ['SISMEMBER', blacklist, 'm'],
    ['SMISMEMBER', blacklist, 'm'],
    ['SCARD', blacklist],
    ['SSCAN', blacklist, '0'],
    ['SADD', blacklist, 'm'],
    ['SREM', blacklist, 'm'],
    ['DEL', blacklist],
    ['PEXPIREAT', blacklist, '1'],
    ['HMGET', book, 'f'],
    ['HGET', book, 'f'],
    ['HSET', book, 'f', 'v'],
    ['HLEN', book],
    ['HSCAN', book, '0'],
    ['PEXPIREAT', book, '1'],
    ['HMGET', orders, 'f'],
    ['HGET', orders, 'f'],
    ['HSET', orders, 'f', 'v'],
    ['PEXPIREAT', orders, '1'],
    ...marks.flatMap((key) => [
      ['HMGET', key, 'f'],
      ['HSET', key, 'f', 'v'],
      ['UNLINK', key],
      ['PEXPIRE', key, '1'],
    ]),
    ['ZADD', pending, '1', 'm'],
    ['ZREM', pending, 'm'],
    ['ZCARD', pending],
    ['ZRANGE', pending, '0', '1'],
    ['ZSCORE', pending, 'm'],
    ['PEXPIREAT', pending, '1'],
    ['ZADD', undecided, '1', 'm'],
    ['ZREM', undecided, 'm'],
    ['ZCARD', undecided],
    ['ZRANGE', undecided, '0', '1'],
    ['ZSCORE', undecided, 'm'],
    ['ZMSCORE', undecided, 'm'],
    ['PEXPIREAT', undecided, '1'],
    ['GET', holders],
    ['STRLEN', holders],
    ['BITFIELD', holders, 'SET', 'u1', '1', '1'],
    ['PEXPIREAT', holders, '1'],
    ['HMGET', room, 'f'],
    ['HSET', room, 'f', 'v'],
    ['HINCRBY', room, 'f', '1'],
    ['PEXPIREAT', room, '1'],
    ...[...ofRoom, ...admissions].flatMap((key) => [
      ['ZADD', key, '1', 'm'],
      ['ZREM', key, 'm'],
      ['ZCARD', key],
      ['ZSCORE', key, 'm'],
      ['ZRANGE', key, '0', '1'],
      ['PEXPIREAT', key, '1'],
    ]),
    ['ZRANK', keys.line('x'), 'm'],
    ['SADD', earlyMembers, 'm'],
    ['SREM', earlyMembers, 'm'],
    ['PEXPIREAT', earlyMembers, '1'],
    ...admissions.map((key) => ['ZREMRANGEBYSCORE', key, '1', '1']),
    ['ZADD', keys.sales(), '1', 'm'],
    ['ZMSCORE', keys.sales(), 'm'],
    ['ZRANGE', keys.sales(), '0', '1'],
    ['ZREMRANGEBYSCORE', keys.sales(), '1', '1'],
  ].map((call) => ({ call, rule: `+${call[0]?.toLowerCase()} ~${keyPrefix}*` }))
  const onChannel = [
    ['PUBLISH', keys.changes(), 'm'],
    ['SUBSCRIBE', keys.changes()],
  ].map((call) => ({ call, rule: `+${call[0]?.toLowerCase()} &${keys.changes()}` }))
  const others = [['EVAL', '', '0'], ['EVALSHA', '', '0'], ['INFO'], ['TIME'], ['SCAN', '0'], ['MULTI'], ['EXEC']].map(
    (call) => ({ call, rule: `+${call[0]?.toLowerCase()}` }),
  )
  return [...others, ...onKeys, ...onChannel]
}
