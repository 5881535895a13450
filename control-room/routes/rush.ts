import type { RequestHandler } from 'express'
import { RushRequest } from '../../core/contracts/control-room.ts'
import { parse, ProblemError } from '../../core/platform/http/problem.ts'
import { openSale, type SaleDeps } from '../open-sale.ts'
import type { Rushes } from '../rush/rushes.ts'

const OPEN_MS = 3_600_000
/** Of a rush's own sale: fewer than there are buyers, so that it sells out while they still come. */
const UNITS_PER_BUYER = 0.6
const PRICE_CENTS = 19_900

/** GET /rush: the crowd that is at it, or the last one */
export function getRush(rushes: Rushes | undefined): RequestHandler {
  return (_req, res) => {
    res.json({ rush: rushes?.latest() ?? null, available: rushes !== undefined })
  }
}

/** POST /rush: sends simulated buyers */
export function postRush(deps: SaleDeps, rushes: Rushes | undefined): RequestHandler {
  return async (req, res) => {
    if (!rushes)
      throw new ProblemError(
        'DEMO_ONLY',
        'Simulated buyers come in demo mode only, with GATEWAY_URL and RUSH_TOKEN_SECRET.',
      )
    const request = parse(RushRequest, req.body)
    refuseSecond(rushes)
    const saleId =
      request.saleId === undefined ? await openRushSale(deps, request) : await knownSale(deps, request.saleId)
    // Somebody else may have started one meanwhile.
    refuseSecond(rushes)
    res.status(202).json(rushes.start(saleId, request))
  }
}

/** DELETE /rush: ends the crowd that is at it */
export function deleteRush(rushes: Rushes | undefined): RequestHandler {
  return (_req, res) => {
    res.json({ rush: rushes?.stop() ?? null })
  }
}

function refuseSecond(rushes: Rushes): void {
  if (rushes.isRunning)
    throw new ProblemError('RUSH_RUNNING', 'Buyers are at it already; wait for their end, or stop them.')
}

async function openRushSale(deps: SaleDeps, { buyers }: RushRequest): Promise<string> {
  const now = Date.now()
  const sale = await openSale(deps, {
    id: `rush-${now.toString(36)}`,
    title: `Rush of ${buyers} buyers`,
    priceCents: PRICE_CENTS,
    stock: Math.ceil(buyers * UNITS_PER_BUYER),
    perBuyerLimit: 1,
    opensAt: new Date(now - 1_000).toISOString(),
    closesAt: new Date(now + OPEN_MS).toISOString(),
  })
  if (!sale) throw new ProblemError('SALE_EXISTS', 'Another rush has just made its sale; try again.')
  return sale.id
}

async function knownSale({ database }: SaleDeps, saleId: string): Promise<string> {
  const found = await database.sale.findUnique({ where: { id: saleId }, select: { id: true } })
  if (!found) throw new ProblemError('NOT_FOUND', 'There is no such sale.')
  return found.id
}
