import { faultKind, Prisma, sqlState } from './database.ts'
import { UnusableSession } from './database-session.ts'

/** What ioredis says when Redis is away or silent (see redis.ts); it has no classes for these. */
const REDIS_AWAY = /^(Command timed out|Command aborted|Connection is closed|Stream isn't writeable|Socket timeout)/
/**
 * Replies in which Redis itself is not fit to serve: starting, full, busy, a replica, without replicas or a disk. Every
 * other reply (WRONGTYPE, ERR …) is our own fault, which no repeat mends.
 */
const REDIS_UNFIT = /^(LOADING|OOM|READONLY|MISCONF|BUSY|TRYAGAIN|CLUSTERDOWN|MASTERDOWN|NOREPLICAS)\b/
/**
 * Replies in which Redis refuses our user: a matter of its configuration. They count as outages, because the same call
 * works once that is mended, and must not end as a dead letter meanwhile. /readyz names what is missing
 * (redis-check.ts). Of a call inside a script Redis 7.0 and 8 say it without a code, each in words of its own.
 */
const REDIS_REFUSES_US = /^(NOPERM|NOAUTH|WRONGPASS)\b|^ERR (The user executing the script can't|ACL failure in script)/
/** What pg and its pool say, the same way. */
const DATABASE_AWAY =
  /Connection terminated|not queryable|timeout exceeded when trying to connect|Query read timeout|ECONNREFUSED|ECONNRESET/
/** Prisma: cannot reach, timed out, connection closed, no connection or transaction in time, deadlock. */
const PRISMA_CODES = new Set(['P1001', 'P1002', 'P1008', 'P1017', 'P2024', 'P2028', 'P2034'])
/** The driver adapter's own words for the same, which is all there is of a raw query whose connection was reset. */
const FAULT_KINDS = new Set([
  'DatabaseNotReachable',
  'ConnectionClosed',
  'SocketTimeout',
  'TooManyConnections',
  'TransactionAlreadyClosed',
  'TransactionWriteConflict',
])
/**
 * Connection lost, out of resources, shutting down or statement timeout, lock not available, serialisation or deadlock,
 * a plan from before ALTER TABLE.
 */
const SQL_STATES = /^(08|53|57|40)|^55P03$|^0A000$/

/**
 * Whether a server we depend on is away, slow or refusing: the caller should come back, and nobody need mend the code.
 */
export function isOutage(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  if (error.name === 'ReplyError') return REDIS_UNFIT.test(error.message) || REDIS_REFUSES_US.test(error.message)
  if (error.name === 'MaxRetriesPerRequestError' || REDIS_AWAY.test(error.message)) return true
  if (
    error instanceof Prisma.PrismaClientInitializationError ||
    error.name === 'DriverAdapterError' ||
    error instanceof UnusableSession
  )
    return true
  if (DATABASE_AWAY.test(error.message) || SQL_STATES.test(sqlState(error) ?? '')) return true
  return (
    error instanceof Prisma.PrismaClientKnownRequestError &&
    (PRISMA_CODES.has(error.code) || FAULT_KINDS.has(faultKind(error) ?? ''))
  )
}
