import { hash } from 'node:crypto'

/**
 * The id of the order that a reservation becomes follows from the reservation's, so that the ledger need not be told it
 * (settle.lua). By a hash: a payment provider learns the order's id and must not learn the reservation's. Of the whole
 * id, since its random part alone may be that of another reservation, in a message that no gateway sent.
 * @returns a UUID of version 8 (RFC 9562)
 */
export function orderIdOf(reservationId: string): string {
  const hex = hash('sha256', reservationId)
  return [hex.slice(0, 8), hex.slice(8, 12), `8${hex.slice(12, 15)}`, `8${hex.slice(15, 18)}`, hex.slice(18, 30)].join(
    '-',
  )
}
