import { PrismaPg } from '@prisma/adapter-pg'
import { PrismaClient } from '../../prisma/generated/client.ts'

/** By default a transaction that waits 2 s for a connection fails, as it would in a crowd on a slow machine. */
const PATIENCE_MS = 60_000

/** Prisma with ten connections, as its quick start has it. */
export const database = new PrismaClient({
  adapter: new PrismaPg({ connectionString: process.env.DATABASE_URL ?? '' }),
  transactionOptions: { maxWait: PATIENCE_MS, timeout: PATIENCE_MS },
})
