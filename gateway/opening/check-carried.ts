import type { IncomingHttpHeaders } from 'node:http'
import { ADMISSION_HEADER, TICKET_HEADER } from '../../core/contracts/ticket-header.ts'
import type { SaleFigures } from '../../core/stock/sale-figures.ts'
import type { Catalogue } from '../catalogue.ts'
import type { AdmissionFault, Admissions } from '../waiting-room/admissions.ts'
import type { TicketFault, TicketFor, Tickets } from './tickets.ts'

export interface CheckDeps {
  tickets: Tickets
  admissions: Admissions
  catalogue: Pick<Catalogue, 'clockMs'>
}

/** What the rules of the opening say to the admission and the ticket that a purchase carries. */
export function checkCarried(
  { admissions, tickets, catalogue }: CheckDeps,
  headers: IncomingHttpHeaders,
  sale: SaleFigures,
  purchase: TicketFor,
): { ticketGivenAtMs?: number } | AdmissionFault | TicketFault {
  if (!sale.opening) return {}
  const fault = admissions.fault(sale, purchase.buyerId, headers[ADMISSION_HEADER], catalogue.clockMs())
  if (fault) return fault
  // A unit that comes back to a draw is the next one's, also when its buyer gives it back and would take it again.
  const admittedOnce = sale.opening.draw && { ticketGivenAtMs: 0 }
  if (!sale.opening.ticket) return admittedOnce ?? {}
  // A header that is sent twice arrives joined, and is no ticket of ours.
  const ticket = headers[TICKET_HEADER] === undefined ? undefined : String(headers[TICKET_HEADER])
  const checked = tickets.check(ticket, purchase, catalogue.clockMs())
  if (typeof checked === 'string') return checked
  return admittedOnce ?? { ticketGivenAtMs: checked.givenAtMs }
}
