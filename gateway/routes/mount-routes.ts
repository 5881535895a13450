import type { Express } from 'express'
import swaggerUi from 'swagger-ui-express'
import { addressForLimit } from '../../core/platform/http/client-address.ts'
import { jsonBody } from '../../core/platform/http/json-body.ts'
import { servePage } from '../../core/platform/http/pages.ts'
import { pageHeaders } from '../../core/platform/http/security-headers.ts'
import { signedIn } from '../../core/platform/http/signed-in.ts'
import type { WaitingRoom } from '../../core/waiting-room/waiting-room.ts'
import type { BuyDeps, BuyHandler } from '../buy.ts'
import type { GatewayConfig } from '../config.ts'
import { openApiDocument } from '../openapi.ts'
import type { WaitingBuyers } from '../waiting-room/waiting-buyers.ts'
import type { TicketDeps } from '../opening/give-tickets.ts'
import { type ForwardingDeps, forwardTo } from './forward.ts'
import { getPlaceEvents, postPlace } from './places.ts'
import { getReservationEvents } from './reservation-events.ts'
import { getReservation } from './reservations.ts'
import { getSale, getSales } from './sales.ts'
import { demoSignIn } from './sign-in.ts'
import { getChallenge, postTicket } from './tickets.ts'

/** swagger-ui styles its elements inline. */
const DOCS_HEADERS = pageHeaders({
  defaultSrc: ["'self'"],
  styleSrc: ["'self'", "'unsafe-inline'"],
  imgSrc: ["'self'", 'data:'],
  frameAncestors: ["'none'"],
  baseUri: ["'none'"],
})

interface RouteDeps extends BuyDeps {
  room: WaitingRoom
  waiting: WaitingBuyers
  turns: ForwardingDeps['turns']
}

export function mountRoutes(
  app: Express,
  config: GatewayConfig,
  { tokens, catalogue, stock, watched, log, room, waiting, turns }: RouteDeps,
  buy: BuyHandler,
  tickets: TicketDeps,
): void {
  app.get('/openapi.json', (_req, res) => {
    res.json(openApiDocument())
  })
  app.use('/docs', DOCS_HEADERS, swaggerUi.serve, swaggerUi.setup(undefined, { swaggerUrl: '/openapi.json' }))
  servePage(app, 'shop')

  app.post('/sales/:saleId/reservations', (req, res) => buy(req, res, req.params.saleId, addressForLimit(req.ip ?? '')))
  forwardTo(app, { orderServiceUrl: config.ORDER_SERVICE_URL, turns, log })
  if (config.DEMO_MODE) app.post('/sessions', jsonBody(), demoSignIn(tokens))
  const sales = { catalogue, tokens, currency: config.CURRENCY }
  app.get('/sales', getSales(sales))
  app.get('/sales/:saleId', getSale(sales, room))
  app.get('/sales/:saleId/challenge', signedIn(tokens), getChallenge(tickets))
  app.post('/sales/:saleId/tickets', signedIn(tokens), jsonBody(), postTicket(tickets))
  app.post('/sales/:saleId/place', signedIn(tokens), postPlace({ catalogue, waiting }))
  app.get('/sales/:saleId/place/events', signedIn(tokens), getPlaceEvents({ catalogue, waiting }))
  app.get('/reservations/:reservationId', signedIn(tokens), getReservation(stock, watched))
  app.get('/reservations/:reservationId/events', signedIn(tokens), getReservationEvents(stock, watched))
}
