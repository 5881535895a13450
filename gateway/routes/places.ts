import type { Buyer } from '../../core/contracts/limit-per-buyer.ts'
import { addressForLimit } from '../../core/platform/http/client-address.ts'
import { ProblemError } from '../../core/platform/http/problem.ts'
import type { BuyersHandler } from '../../core/platform/http/signed-in.ts'
import type { SaleFigures } from '../../core/stock/sale-figures.ts'
import { roomOf } from '../../core/waiting-room/room-rules.ts'
import type { Catalogue } from '../catalogue.ts'
import type { WaitingBuyers } from '../waiting-room/waiting-buyers.ts'
import { refuseIfFull, startEventStream } from './event-stream.ts'

const RETRY_AFTER_SECONDS = 2

export interface PlacesDeps {
  catalogue: Catalogue
  waiting: WaitingBuyers
}

/** POST /sales/:saleId/place: takes a place in the waiting room, and is a sign of life of a buyer who has one. */
export function postPlace({ catalogue, waiting }: PlacesDeps): BuyersHandler<{ saleId: string }> {
  return async (req, res) => {
    const sale = await saleWithRoom(catalogue, req.params.saleId)
    const { buyer } = res.locals
    refuseBlocked(buyer)
    const place = await waiting.attend(sale, buyer)
    if (place === 'BLACKLISTED') throw cannotTakePart()
    if (place === 'CLOSED')
      throw new ProblemError(
        'REGISTRATION_CLOSED',
        'Only those who registered before the opening take part in the draw; you have no place in it.',
      )
    if (place === undefined)
      throw new ProblemError('UNAVAILABLE', 'The waiting room cannot be reached right now; try again in a moment.', {
        retryAfterSeconds: RETRY_AFTER_SECONDS,
      })
    if (place === 'FULL')
      throw new ProblemError('BUSY', 'The waiting room is full; try again in a moment.', {
        retryAfterSeconds: RETRY_AFTER_SECONDS,
      })
    res.json(place)
  }
}

/**
 * GET /sales/:saleId/place/events: server-sent events of one's place. While it is open, the buyer counts as present.
 */
export function getPlaceEvents({ catalogue, waiting }: PlacesDeps): BuyersHandler<{ saleId: string }> {
  return async (req, res) => {
    const sale = await saleWithRoom(catalogue, req.params.saleId)
    if (res.closed) return
    const { buyer } = res.locals
    refuseBlocked(buyer)
    const address = addressForLimit(req.ip ?? '')
    refuseIfFull(waiting.refusal({ buyerId: buyer.id, address }), 'post your place every few seconds instead')
    startEventStream(res, ({ send, end }) =>
      waiting.watch(sale, buyer, address, {
        onPlace(place) {
          send('place', place)
          // Nothing more is to come but its end, which the client knows.
          if (place.state === 'ADMITTED') end()
        },
        onEnd: end,
      }),
    )
  }
}

/** Redis does not know whom a login calls blocked, and would admit them. @throws ProblemError NOT_ELIGIBLE */
function refuseBlocked(buyer: Buyer): void {
  if (buyer.isBlocked) throw cannotTakePart()
}

const cannotTakePart = () => new ProblemError('NOT_ELIGIBLE', 'This account cannot take part; ask the shop why.')

/** @throws ProblemError NOT_FOUND, ENDED */
async function saleWithRoom(catalogue: Catalogue, saleId: string): Promise<SaleFigures> {
  const sale = await catalogue.find(saleId)
  if (!sale || !roomOf(sale.opening))
    throw new ProblemError('NOT_FOUND', 'There is no such sale, or it has no waiting room.')
  if (sale.closesAtMs <= catalogue.clockMs()) throw new ProblemError('ENDED', 'The sale is over.')
  return sale
}
