import { createHash } from 'node:crypto'

/**
 * Those who came before the opening are admitted in the order of their numbers: the first 13 hexadecimal digits of
 * SHA-256 of `<seed> <buyer>`. The hash of the seed is published before the opening and the seed after it, so that
 * every buyer can compute the order again, and the shop cannot choose it by who came.
 */
export function numberOf(seed: string, buyerId: string): string {
  return createHash('sha256').update(`${seed} ${buyerId}`).digest('hex').slice(0, NUMBER_DIGITS)
}

/** So many that a place is exact as a score of Redis, below those of who comes later (room.lua). */
const NUMBER_DIGITS = 13
export const FIRST_LATE_PLACE = 2 ** (4 * NUMBER_DIGITS)

export const placeOfNumber = (number: string) => Number.parseInt(number, 16)

/** Undefined for the place of a buyer who came after the opening. */
export function numberOfPlace(place: number): string | undefined {
  return place < FIRST_LATE_PLACE ? place.toString(16).padStart(NUMBER_DIGITS, '0') : undefined
}

/** What is published before the opening. */
export const seedHashOf = (seed: string) => createHash('sha256').update(seed).digest('hex')
