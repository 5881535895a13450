import { pino, type Logger } from 'pino'

export type { Logger }

/** JSON lines on standard output, one logger per service. */
export function createLog(service: string, level: string): Logger {
  return pino({ name: service, level, base: { name: service, pid: process.pid } })
}
