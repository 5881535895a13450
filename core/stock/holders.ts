/**
 * Buyers who may have a reservation of a sale: a Bloom filter in a Redis bit string, one bit for a buyer, 32 bits or
 * more for a unit. "No" is certain; false positives are 3 % when every unit was sold once. Bits are only ever set: a buyer whose
 * reservation ended stays a "perhaps", for whom Redis is asked. (Two bits a buyer would be wrong for 0.4 %, and cost
 * every purchase another command.) A stock that is changed while the sale runs changes nothing here: the bits stay laid
 * out for the units there were when the sale was brought in (`holderUnits`), or a holder's bit would be looked for
 * where it never was set.
 */
const BITS_PER_UNIT = 32
const BITS_MIN = 1_024
/** 1 MB, copied to a gateway at most once a second: beyond 250,000 units "perhaps" just becomes more frequent. */
const BITS_MAX = 2 ** 23

/** The offset of a buyer's bit. */
export function holderBit(buyerId: string, units: number): number {
  const bits = 2 ** Math.ceil(Math.log2(Math.min(Math.max(units * BITS_PER_UNIT, BITS_MIN), BITS_MAX)))
  return fnv1a(buyerId) & (bits - 1)
}

/**
 * Whether a buyer may be among the holders; `bits` is the string as Redis has it, which is as long as its last bit set.
 */
export function mayHold(bits: Buffer, buyerId: string, units: number): boolean {
  const offset = holderBit(buyerId, units)
  return ((bits[offset >> 3] ?? 0) & (0x80 >> (offset & 7))) !== 0
}

/** Fowler–Noll–Vo, 0.1 µs; the last step brings the high bits, which are mixed best, down to those that are used. */
export function fnv1a(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return (hash ^ (hash >>> 15)) >>> 0
}
