import type { RequestHandler } from 'express'
import { z } from 'zod'
import { CROWD_BUYERS_MAX, CROWD_SECONDS_MAX, type CrowdRequest } from '../../core/contracts/control-room.ts'
import { SaleId } from '../../core/contracts/values.ts'
import { parse, ProblemError } from '../../core/platform/http/problem.ts'
import { openSale, type SaleDeps } from '../open-sale.ts'
import type { Crowds, CrowdSale } from '../crowd/crowds.ts'

const OPEN_MS = 3_600_000
/** Stock of a crowd's own sale: less than one unit per buyer, so that it sells out while buyers still arrive. */
const UNITS_PER_BUYER = 0.6
const PRICE_CENTS = 19_900

const Body = z.strictObject({
  saleId: SaleId.optional(),
  buyers: z.int().min(1).max(CROWD_BUYERS_MAX),
  seconds: z.int().min(1).max(CROWD_SECONDS_MAX),
}) satisfies z.ZodType<CrowdRequest>

/** GET /crowd: the running crowd, or the last one */
export function getCrowd(crowds: Crowds | undefined): RequestHandler {
  return (_req, res) => {
    res.json({ crowd: crowds?.latest() ?? null, available: crowds !== undefined })
  }
}

/** POST /crowd: sends simulated buyers */
export function postCrowd(deps: SaleDeps, crowds: Crowds | undefined): RequestHandler {
  return async (req, res) => {
    if (!crowds)
      throw new ProblemError(
        'DEMO_ONLY',
        'Simulated buyers come in demo mode only, with GATEWAY_URL and CROWD_TOKEN_SECRET.',
      )
    const request = parse(Body, req.body)
    refuseSecond(crowds)
    const sale =
      request.saleId === undefined ? await openCrowdSale(deps, request) : await knownSale(deps, request.saleId)
    // Another request may have started one meanwhile.
    refuseSecond(crowds)
    res.status(202).json(crowds.start(sale, request))
  }
}

/** DELETE /crowd: stops the running crowd */
export function deleteCrowd(crowds: Crowds | undefined): RequestHandler {
  return (_req, res) => {
    res.json({ crowd: crowds?.stop() ?? null })
  }
}

function refuseSecond(crowds: Crowds): void {
  if (crowds.isRunning)
    throw new ProblemError(
      'CROWD_RUNNING',
      'Simulated buyers are running already; wait until they are done, or stop them.',
    )
}

async function openCrowdSale(deps: SaleDeps, { buyers }: CrowdRequest): Promise<CrowdSale> {
  const now = Date.now()
  const sale = await openSale(deps, {
    id: `crowd-${now.toString(36)}`,
    title: `${buyers} simulated buyers`,
    priceCents: PRICE_CENTS,
    stock: Math.ceil(buyers * UNITS_PER_BUYER),
    perBuyerLimit: 1,
    opening: {},
    shards: 1,
    opensAt: new Date(now - 1_000).toISOString(),
    closesAt: new Date(now + OPEN_MS).toISOString(),
  })
  if (!sale) throw new ProblemError('SALE_EXISTS', 'Another crowd has just created its sale; try again.')
  return sale
}

async function knownSale({ database }: SaleDeps, saleId: string): Promise<CrowdSale> {
  const found = await database.sale.findUnique({ where: { id: saleId }, select: { id: true, perBuyerLimit: true } })
  if (!found) throw new ProblemError('NOT_FOUND', 'There is no such sale.')
  return found
}
