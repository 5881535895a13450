import { Prisma, type PrismaClient } from '../../../prisma/generated/client.ts'

export { Prisma }
export type { OperatorChange, Sale } from '../../../prisma/generated/client.ts'
export type Database = PrismaClient
/** The client inside a transaction. */
export type Transaction = Prisma.TransactionClient

/**
 * Whether PostgreSQL rejected the *data* (SQLSTATE class 22 or 23), so that a retry is futile. Every other fault
 * (unreachable, slow, deadlock, restart) is transient.
 */
export function isDataError(error: unknown): boolean {
  return /^2[23]/.test(sqlState(error) ?? '')
}

/** The five-character SQLSTATE behind a Prisma error, when PostgreSQL gave one. */
export function sqlState(error: unknown): string | undefined {
  if (!(error instanceof Prisma.PrismaClientKnownRequestError)) return undefined
  if (error.code === 'P2002') return '23505'
  if (error.code === 'P2003') return '23503'
  return adapterCause(error)?.originalCode
}

/** The driver adapter's name of the fault. Prisma's code is the same for every fault of a raw query. */
export function faultKind(error: unknown): string | undefined {
  return error instanceof Prisma.PrismaClientKnownRequestError ? adapterCause(error)?.kind : undefined
}

/** The message of PostgreSQL, or of a pooler in front of it. */
export function serverMessage(error: unknown): string | undefined {
  return error instanceof Prisma.PrismaClientKnownRequestError ? adapterCause(error)?.originalMessage : undefined
}

function adapterCause({ meta }: { meta?: Record<string, unknown> }) {
  return (
    meta as
      | { driverAdapterError?: { cause?: { originalCode?: string; originalMessage?: string; kind?: string } } }
      | undefined
  )?.driverAdapterError?.cause
}
