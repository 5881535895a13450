/** How long the data of a sale stays in Redis after its end. */
export const KEPT_AFTER_END_MS = 24 * 3_600_000

/** A sale as Redis knows it. */
export interface SaleFigures {
  saleId: string
  epoch: number
  title: string
  priceCents: number
  total: number
  left: number
  perBuyerLimit: number
  opensAtMs: number
  closesAtMs: number
  /** Units that the holders' bits are laid out for; absent while that is the total. */
  holderUnits?: number
  /** Most units that one reservation of this epoch took; absent before the first. */
  largestQuantity?: number
}

/** Undefined when Redis has nothing of that sale. */
export function saleFigures(saleId: string, hash: Record<string, string>): SaleFigures | undefined {
  if (hash.epoch === undefined) return undefined
  return {
    saleId,
    epoch: Number(hash.epoch),
    title: hash.title ?? '',
    priceCents: Number(hash.price_cents),
    total: Number(hash.total),
    left: Number(hash.stock),
    perBuyerLimit: Number(hash.per_buyer_limit),
    opensAtMs: Number(hash.opens_at_ms),
    closesAtMs: Number(hash.closes_at_ms),
    ...(hash.holder_units ? { holderUnits: Number(hash.holder_units) } : {}),
    ...(hash.largest_quantity ? { largestQuantity: Number(hash.largest_quantity) } : {}),
  }
}
