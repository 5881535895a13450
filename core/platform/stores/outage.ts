import { faultKind, Prisma, sqlState } from './database.ts'

/** Messages of ioredis when Redis is unreachable or silent (see redis.ts); it has no error classes for them. */
const REDIS_AWAY =
  /^(Command timed out|Command aborted|Connection is closed|Stream isn't writeable|Socket timeout|Units kept moving)/
/** The same of its client for a cluster. */
const CLUSTER_AWAY = /^(Cluster (isn't ready|is ended)|Failed to refresh slots)/
/**
 * Error replies of a Redis that cannot serve: loading, full, busy, a replica, without replicas or disk, or a node of a
 * cluster that has lost it or given the slot away. Every other error reply (WRONGTYPE, ERR …) is our own fault, which
 * no retry mends.
 */
const REDIS_UNFIT = /^(LOADING|OOM|READONLY|MISCONF|BUSY|TRYAGAIN|MOVED|ASK|CLUSTERDOWN|MASTERDOWN|NOREPLICAS)\b/
/**
 * Error replies that refuse our user, which is a matter of Redis' configuration. They count as outages, because the
 * same call works once that is corrected, and must not become a dead letter meanwhile; /readyz names the missing right
 * (redis-check.ts). For a call inside a script Redis 7.0 and 8 reply without a code, each with its own wording.
 */
const REDIS_REFUSES_US = /^(NOPERM|NOAUTH|WRONGPASS)\b|^ERR (The user executing the script can't|ACL failure in script)/
/** Messages of pg and its pool, which have no error classes either. */
const DATABASE_AWAY =
  /Connection terminated|not queryable|timeout exceeded when trying to connect|Query read timeout|ECONN(REFUSED|RESET)/
/** Prisma: unreachable, timed out, connection closed, no connection or transaction in time, deadlock. */
const PRISMA_CODES = new Set(['P1001', 'P1002', 'P1008', 'P1017', 'P2024', 'P2028', 'P2034'])
/** The driver adapter's names for the same; a raw query whose connection was reset has no other mark. */
const FAULT_KINDS = new Set([
  'DatabaseNotReachable',
  'ConnectionClosed',
  'SocketTimeout',
  'TooManyConnections',
  'TransactionAlreadyClosed',
  'TransactionWriteConflict',
])
/**
 * Connection lost, out of resources, shutdown or statement timeout, serialisation failure or deadlock, lock, stale
 * plan, a standby in place of the primary.
 */
const SQL_STATES = /^(08|53|57|40)|^55P03$|^0A000$|^25006$/

/**
 * Whether PostgreSQL or Redis is unreachable, slow or refusing us: the caller should retry; the code is not at fault.
 */
export function isOutage(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  // A transaction is discarded for what one of its commands was refused for, such as a slot that has moved.
  if (error.message.startsWith('EXECABORT') && 'previousErrors' in error && Array.isArray(error.previousErrors))
    return error.previousErrors.some(isOutage)
  if (error.name === 'ReplyError') return REDIS_UNFIT.test(error.message) || REDIS_REFUSES_US.test(error.message)
  if (error.name === 'MaxRetriesPerRequestError') return true
  if (REDIS_AWAY.test(error.message) || CLUSTER_AWAY.test(error.message)) return true
  if (
    error instanceof Prisma.PrismaClientInitializationError ||
    error.name === 'DriverAdapterError' ||
    error.name === 'UnusableSession'
  )
    return true
  if (DATABASE_AWAY.test(error.message) || SQL_STATES.test(sqlState(error) ?? '')) return true
  return (
    error instanceof Prisma.PrismaClientKnownRequestError &&
    (PRISMA_CODES.has(error.code) || FAULT_KINDS.has(faultKind(error) ?? ''))
  )
}
