import { freemem } from 'node:os'

/** Measured at rest: six services 1,000, RabbitMQ 110, PostgreSQL and Redis 60; a simulated crowd takes some more. */
const NEEDED_MB = 1_500

/** What to tell a person whose machine or container has too little memory; undefined when it has enough. */
export function memoryWarning(freeMb = availableMb()): string | undefined {
  if (freeMb >= NEEDED_MB) return undefined
  return `Warning: ${freeMb} MB of memory are free here, and the whole system needs about ${NEEDED_MB}. It may be slow, or processes may be killed; end other programs, or give this machine or container more.`
}

/** A container's limit counts where it is less than what the machine has. */
function availableMb(): number {
  const limit = process.constrainedMemory()
  const used = process.memoryUsage().rss
  const free = limit > 0 ? Math.min(freemem(), limit - used) : freemem()
  return Math.floor(free / 1_000_000)
}
