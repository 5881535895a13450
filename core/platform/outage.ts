import { Prisma } from './database.ts'

/** What ioredis says when Redis did not answer in time, or is away (see redis.ts); it has no classes for these. */
const REDIS_AWAY = /^(Command timed out|Connection is closed|Stream isn't writeable)/

/** Prisma: cannot reach, timed out, connection closed, no connection or transaction in time, deadlock. */
const DATABASE_AWAY = new Set(['P1001', 'P1002', 'P1008', 'P1017', 'P2024', 'P2028', 'P2034'])

/** Whether a server we depend on is away, slow or refusing: the caller should come back, and nobody need mend the code. */
export function isOutage(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  // A ReplyError is Redis' own refusal: LOADING, OOM, READONLY, MISCONF.
  if (error.name === 'ReplyError' || error.name === 'MaxRetriesPerRequestError' || REDIS_AWAY.test(error.message)) return true
  if (error instanceof Prisma.PrismaClientInitializationError || error.name === 'DriverAdapterError') return true
  return error instanceof Prisma.PrismaClientKnownRequestError && DATABASE_AWAY.has(error.code)
}
