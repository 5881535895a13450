import { randomFillSync } from 'node:crypto'

/** Drawn 256 ids at a time: 0.1 µs each instead of 2.7. */
const random = Buffer.alloc(16 * 256)
let drawn = random.length

/** The ledger's name for the hash tag, and 128 random bits that cannot be guessed. */
export function newReservationId(ledger: string): string {
  if (drawn === random.length) {
    randomFillSync(random)
    drawn = 0
  }
  drawn += 16
  return `${ledger}.${random.toString('base64url', drawn - 16, drawn)}`
}
