import { type ReservationRecord, wishesText, type Wishes } from '../../core/stock/reservation.ts'
import type { ReserveOutcome } from '../../core/stock/reserving.ts'
import type { SaleFigures } from '../../core/stock/sale-figures.ts'
import { ledgerForBuyer } from '../../core/stock/shards.ts'
import type { Stock } from '../../core/stock/stock.ts'

/** What names a purchase, and what it asks for. */
export interface Purchase {
  buyerId: string
  key?: string
  quantity: number
  wishes?: Wishes
}

type Repeated = Extract<ReserveOutcome, { status: 'DUPLICATE' | 'KEY_REUSED' }>

/**
 * What a purchase got that is sent again after its ticket or admission has expired, as reserve.lua would answer;
 * undefined when it got nothing, or that has ended. @throws when Redis does not answer in time
 */
export async function repeatedPurchase(
  stock: Pick<Stock, 'readOfBuyer' | 'readReservations'>,
  sale: Pick<SaleFigures, 'saleId' | 'shards'>,
  { buyerId, key, quantity, wishes }: Purchase,
): Promise<Repeated | undefined> {
  const ledger = ledgerForBuyer(sale, buyerId)
  const ofBuyer = await stock.readOfBuyer(ledger, buyerId)
  const reservations = await stock.readReservations(
    ledger,
    ofBuyer.filter((record) => record.key === key),
  )
  const reservation = reservations.find((record) => record !== undefined && LIVE.includes(record.status))
  if (!reservation) return undefined
  const isSame = reservation.quantity === quantity && wishesText(reservation.wishes) === wishesText(wishes)
  return { status: isSame ? 'DUPLICATE' : 'KEY_REUSED', reservation }
}

const LIVE: ReservationRecord['status'][] = ['RESERVED', 'ORDERED', 'PAID']
