/** The server's own types: a change there that this page does not follow does not compile. */
export type {
  DeadLetter,
  LiveFrame,
  LiveSale,
  ProcessView,
  RequestGroup,
  RushRequest,
  RushView,
} from '../../core/contracts/control-room.ts'
import type { z } from 'zod'
import type { RequestGroup } from '../../core/contracts/control-room.ts'
import type { SagaState } from '../../core/contracts/http.ts'

/** In the order in which they are stacked, from below. */
export const GROUPS = [
  'accepted',
  'repeated',
  'soldOut',
  'limited',
  'busy',
  'other',
] as const satisfies readonly RequestGroup[]

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

type State = z.infer<typeof SagaState>
export const SAGA_STATES = ['RUNNING', 'COMPENSATING', 'DONE', 'COMPENSATED'] as const satisfies readonly State[]

/** As GET /sagas has them: open ones first. */
export interface Sagas {
  counts: Record<State, number>
  sagas: { orderId: string; state: State; step: string; reason: string | null }[]
}
