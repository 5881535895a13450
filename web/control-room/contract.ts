/** The server's own types: a change there that this page does not follow does not compile. */
export type {
  LiveFrame, LiveSale, ProcessView, RequestGroup, RushRequest, RushView,
} from '../../core/contracts/control-room.ts'
import type { RequestGroup } from '../../core/contracts/control-room.ts'

/** In the order in which they are stacked, from below. */
export const GROUPS = ['accepted', 'repeated', 'soldOut', 'limited', 'busy', 'other'] as const satisfies readonly RequestGroup[]

/** A sale as GET /sales has it. */
export interface Sale {
  id: string
  title: string
  priceCents: number
  stock: number
  sold: number
  opensAt: string
  closesAt: string
}

export interface DeadLetter {
  id: string
  queue: string | null
  reason: string
  why: string | null
  at: string | null
  beginning: string
}

export const SAGA_STATES = ['RUNNING', 'COMPENSATING', 'DONE', 'COMPENSATED'] as const

/** As GET /sagas has them: open ones first. */
export interface Sagas {
  counts: Record<(typeof SAGA_STATES)[number], number>
  sagas: { orderId: string; state: (typeof SAGA_STATES)[number]; step: string; reason: string | null }[]
}
