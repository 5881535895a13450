import { freePort } from './servers/ports.ts'

/** Prints as many free ports as the first argument says, for a shell script. */
const count = Number(process.argv[2])
const ports = await Promise.all(Array.from({ length: count }, freePort))
process.stdout.write(`${ports.join(' ')}\n`)
