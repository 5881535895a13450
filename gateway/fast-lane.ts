import type { Request, Response } from 'express'
import type { BuyHandler } from './buy.ts'

/** The plainest form of the path only; whatever else Express's router understands is left to it. */
const BUY = /^\/sales\/([a-z0-9][a-z0-9-]{0,31})\/reservations$/

/**
 * Stands in front of Express and answers purchases there: behind Express's call chain the same handler costs 66 µs
 * instead of 47.
 */
export function fastLane(buy: BuyHandler): (req: Request, res: Response) => boolean {
  return (req, res) => {
    const saleId = req.method === 'POST' ? BUY.exec(req.url)?.[1] : undefined
    if (saleId === undefined) return false
    void buy(req, res, saleId)
    return true
  }
}
