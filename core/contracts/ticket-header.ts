/** The header of a purchase that carries its ticket. Without a schema, so that the page can import it. */
export const TICKET_HEADER = 'seckill-ticket'

/** The header that carries the admission from a waiting room. */
export const ADMISSION_HEADER = 'seckill-admission'
