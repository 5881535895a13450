import { randomUUID } from 'node:crypto'
import express, { type ErrorRequestHandler, type RequestHandler } from 'express'
import { createVerifier } from 'fast-jwt'
import { z } from 'zod'
import { database } from './database.ts'
import { whenPaid } from './effects.ts'

/**
 * What every naive design shares, so that they differ in one thing only: how a unit is sold. Express as its tutorial
 * shows it, the shop's own check of the token, validation by zod, and the shop's answers. They keep no outbox, no
 * events, no history and no limits: each of them writes less per purchase than the system it is compared with. A paid
 * order has the same six effects, in the transaction of its payment.
 */
export interface Purchase {
  saleId: string
  buyerId: string
  quantity: number
  coupon?: string | undefined
  points?: number | undefined
}

export type PurchaseOutcome =
  | { status: 'ORDERED'; orderId: string }
  | { status: 'RESERVED'; reservationId: string }
  | { status: 'SOLD_OUT' | 'DUPLICATE' | 'NOT_OPEN' }

export interface Design {
  buy: (purchase: Purchase) => Promise<PurchaseOutcome>
  /** For a design that keeps its stock elsewhere than in the sale's row. */
  open?: (saleId: string) => Promise<void>
}

const PAYMENT_WINDOW_MS = 30 * 60_000
const Body = z.strictObject({
  quantity: z.int().min(1).max(1_000).default(1),
  coupon: z.string().max(40).optional(),
  points: z.int().min(0).optional(),
})
const verify = createVerifier({ key: process.env.TOKEN_SECRET ?? '', algorithms: ['HS256'], allowedAud: 'seckill' })

export function serve({ buy, open }: Design): void {
  const app = express()
  app.get('/readyz', (_req, res) => {
    res.json({ ready: true })
  })
  app.post('/sales/:saleId/open', async (req, res) => {
    await open?.(req.params.saleId)
    res.json({ open: true })
  })
  app.post('/sales/:saleId/reservations', express.json(), reservations(buy))
  app.get('/reservations/:id', readReservation)
  app.post('/orders/:id/payments', pay)
  app.use(problems)
  app.listen(Number(process.env.PORT), '127.0.0.1')
}

function reservations(buy: Design['buy']): RequestHandler<{ saleId: string }> {
  return async (req, res) => {
    const { sub: buyerId } = verify(req.headers.authorization?.replace('Bearer ', '') ?? '') as { sub: string }
    const wanted = Body.parse(req.body)
    const { quantity } = wanted
    const { saleId } = req.params
    const outcome = await buy({ saleId, buyerId, ...wanted }).catch(duplicate)
    switch (outcome.status) {
      case 'ORDERED':
        return void res.status(201).json({ id: outcome.orderId, saleId, status: 'ORDERED', quantity })
      case 'RESERVED':
        return void res.status(202).json({ id: outcome.reservationId, saleId, status: 'RESERVED', quantity })
      case 'SOLD_OUT':
        return void res.status(409).json({ code: 'SOLD_OUT', title: 'Sold out' })
      case 'DUPLICATE':
        return void res.status(403).json({ code: 'DUPLICATE', title: 'You have bought already' })
      case 'NOT_OPEN':
        return void res.status(403).json({ code: 'NOT_OPEN', title: 'The sale is not open' })
    }
  }
}

const readReservation: RequestHandler<{ id: string }> = async (req, res) => {
  const order = await database.order.findUnique({ where: { reservationId: req.params.id }, select: { id: true } })
  res.json(order ? { status: 'ORDERED', orderId: order.id } : { status: 'RESERVED' })
}

/** The money is taken to have arrived. */
const pay: RequestHandler<{ id: string }> = async (req, res) => {
  const { id } = req.params
  await database.$transaction(async (transaction) => {
    const { count } = await transaction.order.updateMany({
      where: { id, status: 'PENDING_PAYMENT' },
      data: { status: 'PAID', paidAt: new Date(), sequence: { increment: 1 } },
    })
    if (count === 1) await whenPaid(transaction, await transaction.order.findUniqueOrThrow({ where: { id } }))
  })
  res.json({ paid: true })
}

/** The database's own guard: one live order per buyer and sale. */
function duplicate(error: unknown): PurchaseOutcome {
  if (isDuplicate(error)) return { status: 'DUPLICATE' }
  throw error
}

const problems: ErrorRequestHandler = (error: Error & { code?: unknown }, _req, res, _next) => {
  if (error instanceof z.ZodError)
    return void res.status(400).json({ code: 'INVALID_REQUEST', title: z.prettifyError(error) })
  if (String(error.code).startsWith('FAST_JWT'))
    return void res.status(401).json({ code: 'UNAUTHENTICATED', title: 'Sign in first' })
  console.error(error)
  res.status(500).json({ code: 'INTERNAL', title: error.message })
}

/** The columns of a new order's row. */
export function newOrder({ saleId, buyerId, quantity, coupon, points }: Purchase, priceCents: number) {
  const id = randomUUID()
  return {
    id,
    saleId,
    buyerId,
    quantity,
    reservationId: `${saleId}.${id}`,
    amountCents: quantity * priceCents,
    couponCode: coupon ?? null,
    points: points ?? 0,
    paymentDeadline: new Date(Date.now() + PAYMENT_WINDOW_MS),
  }
}

/** Whether the database refused a second order of the same buyer. */
export function isDuplicate(error: unknown): boolean {
  return ['P2002', '23505'].includes(String((error as { code?: unknown }).code))
}
