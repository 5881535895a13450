/**
 * Who may hold a reservation of a sale: a Bloom filter in a Redis bit string, 16 bits a unit and two bits a buyer. "No" is
 * certain; "perhaps" is wrong for 1.4 % when every unit was sold once. Bits are only ever set: a buyer whose reservation
 * ended stays a "perhaps", for whom Redis is asked.
 */
const BITS_PER_UNIT = 16
const BITS_MIN = 1_024
/** 1 MB, copied to a gateway at most once a second: beyond 500,000 units "perhaps" just becomes more frequent. */
const BITS_MAX = 2 ** 23

/** The offsets of a buyer's two bits. */
export function holderBits(buyerId: string, units: number): [number, number] {
  const bits = 2 ** Math.ceil(Math.log2(Math.min(Math.max(units * BITS_PER_UNIT, BITS_MIN), BITS_MAX)))
  return [fnv1a(buyerId, 0x811c9dc5) & (bits - 1), fnv1a(buyerId, 0x01000193) & (bits - 1)]
}

/** Whether a buyer may be among the holders; `bits` is the string as Redis has it, which is as long as its last bit set. */
export function mayHold(bits: Buffer, buyerId: string, units: number): boolean {
  return holderBits(buyerId, units).every((offset) => ((bits[offset >> 3] ?? 0) & (0x80 >> (offset & 7))) !== 0)
}

/** Fowler–Noll–Vo, 0.1 µs; the last step spreads the high bits, which alone differ between ids of one length, downwards. */
function fnv1a(text: string, seed: number): number {
  let hash = seed
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return (hash ^ (hash >>> 15)) >>> 0
}
