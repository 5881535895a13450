import type { REQUEST_GROUPS, SagaRow } from '../../core/contracts/control-room.ts'

/** The server's own types: the page does not compile after a change there that it does not follow. */
export type {
  DeadLetterPage,
  LiveFrame,
  LiveSale,
  ProcessView,
  RequestGroup,
  CrowdRequest,
  CrowdView,
  SagaPage,
  SalePage,
  SaleRow,
  SentBack,
} from '../../core/contracts/control-room.ts'

/** Importing the value would send zod to the browser; the type admits these entries in this order only. */
export const GROUPS: typeof REQUEST_GROUPS = ['accepted', 'repeated', 'soldOut', 'limited', 'busy', 'other']

/** In the order of the page's legend. */
export const SAGA_STATES = [
  'RUNNING',
  'COMPENSATING',
  'DONE',
  'COMPENSATED',
] as const satisfies readonly SagaRow['state'][]
