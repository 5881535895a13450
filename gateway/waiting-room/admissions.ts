import type { SaleFigures } from '../../core/stock/sale-figures.ts'
import { roomOf } from '../../core/waiting-room/room-rules.ts'
import { createTickets, type TicketFault } from '../opening/tickets.ts'

export type AdmissionFault = 'ADMISSION_REQUIRED' | 'ADMISSION_INVALID' | 'ADMISSION_OF_ANOTHER' | 'ADMISSION_EXPIRED'

const FAULTS: Record<TicketFault, AdmissionFault> = {
  TICKET_REQUIRED: 'ADMISSION_REQUIRED',
  TICKET_INVALID: 'ADMISSION_INVALID',
  TICKET_OF_ANOTHER: 'ADMISSION_OF_ANOTHER',
  TICKET_EXPIRED: 'ADMISSION_EXPIRED',
}

export interface Admissions {
  give: (saleId: string, buyerId: string, untilMs: number) => string
  /** What is wrong with the admission of a purchase; undefined when nothing is, or the sale asks for none. */
  fault: (
    sale: Pick<SaleFigures, 'saleId' | 'opening'>,
    buyerId: string,
    admission: string | string[] | undefined,
    nowMs: number,
  ) => AdmissionFault | undefined
}

/**
 * Signed by the gateway that shows a buyer that they are admitted, and verified by any: without Redis, and also after
 * Redis was lost. Signed anew for the same admission, it is the same text.
 */
export function createAdmissions(secret: string): Admissions {
  const tickets = createTickets(secret, 'admissions')
  return {
    give: (saleId, buyerId, untilMs) => tickets.give({ saleId, buyerId, key: undefined }, 0, untilMs),
    fault({ saleId, opening }, buyerId, admission, nowMs) {
      if (!roomOf(opening)) return undefined
      const text = typeof admission === 'string' ? admission : undefined
      const checked = tickets.check(text, { saleId, buyerId, key: undefined }, nowMs)
      return typeof checked === 'string' ? FAULTS[checked] : undefined
    },
  }
}
