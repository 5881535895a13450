import { faultKind, Prisma, sqlState } from './database.ts'
import { UnusableSession } from './database-session.ts'

/** What ioredis says when Redis is away or silent (see redis.ts); it has no classes for these. */
const REDIS_AWAY = /^(Command timed out|Command aborted|Connection is closed|Stream isn't writeable|Socket timeout)/
/** What pg and its pool say, the same way. */
const DATABASE_AWAY = /Connection terminated|not queryable|timeout exceeded when trying to connect|Query read timeout|ECONNREFUSED|ECONNRESET/
/** Prisma: cannot reach, timed out, connection closed, no connection or transaction in time, deadlock. */
const PRISMA_CODES = new Set(['P1001', 'P1002', 'P1008', 'P1017', 'P2024', 'P2028', 'P2034'])
/** The driver adapter's own words for the same, which is all there is of a raw query whose connection was reset. */
const FAULT_KINDS = new Set(['DatabaseNotReachable', 'ConnectionClosed', 'SocketTimeout', 'TooManyConnections', 'TransactionAlreadyClosed', 'TransactionWriteConflict'])
/** Connection lost, out of resources, shutting down or statement timeout, lock not available, serialisation or deadlock, a plan from before ALTER TABLE. */
const SQL_STATES = /^(08|53|57|40)|^55P03$|^0A000$/

/** Whether a server we depend on is away, slow or refusing: the caller should come back, and nobody need mend the code. */
export function isOutage(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  // A ReplyError is Redis' own refusal: LOADING, OOM, READONLY, MISCONF.
  if (error.name === 'ReplyError' || error.name === 'MaxRetriesPerRequestError' || REDIS_AWAY.test(error.message)) return true
  if (error instanceof Prisma.PrismaClientInitializationError || error.name === 'DriverAdapterError' || error instanceof UnusableSession) return true
  if (DATABASE_AWAY.test(error.message) || SQL_STATES.test(sqlState(error) ?? '')) return true
  return error instanceof Prisma.PrismaClientKnownRequestError && (PRISMA_CODES.has(error.code) || FAULT_KINDS.has(faultKind(error) ?? ''))
}
