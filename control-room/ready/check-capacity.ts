import type { ToMend } from '../../core/contracts/ready.ts'
import type { Capacity } from './read-capacity.ts'

/** Expected of a sale: half of a crowd presses the button in the first seconds. */
const RUSH_SECONDS = 10

export interface Expected {
  buyers: number
  /** Units of the sale. */
  stock: number
  /** Gateways of the kind that was asked. */
  gateways: number
  intake: number
  reservationLifetimeSeconds: number
}

/** Connections, file descriptors and limits of the gateways against the expected crowd. */
export function checkGateways({ processes, limits, descriptors }: Capacity, expected: Expected): ToMend[] {
  const { buyers, stock, gateways } = expected
  // One for the page, and one for the events of a reservation.
  const connections = buyers + Math.min(stock, buyers)
  const each = Math.ceil(connections / (processes * gateways))
  const found: ToMend[] = []
  const { CONNECTIONS_MAX = Infinity, GATEWAY_RATE_PER_SECOND = 0, GATEWAY_BURST = 0 } = limits
  if (each > CONNECTIONS_MAX)
    found.push({
      check: 'connections',
      code: 'TOO_FEW_CONNECTIONS',
      detail:
        `${buyers} buyers need some ${connections} connections, ` +
        `${each} of each of the ${processes * gateways} gateway ` +
        `processes, which take ${CONNECTIONS_MAX}: raise CONNECTIONS_MAX or GATEWAY_PROCESSES, or start more gateways.`,
    })
  if (descriptors && descriptors.max - descriptors.open < Math.ceil(connections / gateways))
    found.push({
      check: 'connections',
      code: 'TOO_FEW_DESCRIPTORS',
      detail:
        `A gateway has ${descriptors.max - descriptors.open} file descriptors left and needs ` +
        `${Math.ceil(connections / gateways)}: raise its limit (ulimit -n, LimitNOFILE) or start more gateways.`,
    })
  const taken = GATEWAY_BURST + RUSH_SECONDS * GATEWAY_RATE_PER_SECOND
  if (GATEWAY_RATE_PER_SECOND > 0 && taken < buyers)
    found.push({
      check: 'limits',
      code: 'RATE_TOO_LOW',
      detail:
        `The limit of the sale lets ${taken} attempts through in the first ${RUSH_SECONDS} s, and ${buyers} buyers ` +
        'are expected: raise GATEWAY_RATE_PER_SECOND or GATEWAY_BURST.',
    })
  return found
}

/** Room in the intake queue, and whether reservations become orders before they lapse. */
export function checkIntake(
  gateway: Capacity,
  orders: Capacity | undefined,
  { buyers, stock, intake, reservationLifetimeSeconds }: Expected,
): ToMend[] {
  const accepted = Math.min(stock, buyers)
  const { INTAKE_QUEUE_MAX_LENGTH: lengthMax = Infinity } = gateway.limits
  const found: ToMend[] = []
  if (lengthMax - intake < accepted)
    found.push({
      check: 'queues',
      code: 'QUEUE_TOO_SHORT',
      detail:
        `The intake queue has room for ${Math.max(0, lengthMax - intake)} reservations, and ${accepted} may come at ` +
        'once: let it drain, or raise INTAKE_QUEUE_MAX_LENGTH of gateways and order services.',
    })
  const perSecond = (orders?.limits.ORDERS_PER_SECOND ?? Infinity) * (orders?.processes ?? 1)
  const seconds = Math.ceil((intake + accepted) / perSecond)
  if (seconds > reservationLifetimeSeconds)
    found.push({
      check: 'queues',
      code: 'ORDERS_TOO_SLOW',
      detail:
        `One order service makes orders of ${intake + accepted} reservations in ${seconds} s, and they lapse after ` +
        `${reservationLifetimeSeconds} s: raise ORDERS_PER_SECOND, start more order services, or raise ` +
        'RESERVATION_LIFETIME_SECONDS.',
    })
  return found
}
