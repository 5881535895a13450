import type { z } from 'zod'
import type { Opening } from './opening.ts'
import type { ChangeView } from './operations.ts'
import type { OrderView, SagaState } from './orders.ts'

/**
 * What crosses HTTP between the control room, its page, and the launcher of the demo. Without a schema, so that the
 * page can import it and does not get zod.
 */

/**
 * Outcomes of purchase attempts as the page groups them. `repeated`: the answer was a reservation that the buyer has.
 * `opening`: refused by the rules of the sale's opening.
 */
export const REQUEST_GROUPS = ['accepted', 'repeated', 'soldOut', 'limited', 'busy', 'opening', 'other'] as const
export type RequestGroup = (typeof REQUEST_GROUPS)[number]
export type RequestCounts = Record<RequestGroup, number>
export const noRequests = () => Object.fromEntries(REQUEST_GROUPS.map((group) => [group, 0])) as RequestCounts

/** GET /sales of the control room: a sale as PostgreSQL has it. */
export interface SaleRow {
  id: string
  title: string
  priceCents: number
  stock: number
  sold: number
  perBuyerLimit: number
  /** Parts of its ledger in Redis. */
  shards: number
  opensAt: string
  closesAt: string
  isStopped: boolean
  /** Rules of its opening; {} for none. */
  opening: Opening
  epoch: number
  /** How often it was changed: its ETag is this number in quotes. */
  version: number
}
export interface SalePage {
  sales: SaleRow[]
  next?: string
}

/** GET /changes: the newest first. */
export interface ChangePage {
  changes: ChangeView[]
  next?: string
}
/** The header in which an operator's name stands, percent-encoded, since a header carries only ASCII. */
export const OPERATOR_HEADER = 'operator'

/** GET /sagas: open ones first. */
export interface SagaRow {
  orderId: string
  saleId: string
  state: z.infer<typeof SagaState>
  /** The name of the event that its newest step has published. */
  step: string
  reason: string | null
  orderStatus: OrderView['status'] | null
  startedAt: string
  updatedAt: string
  dueAt: string
}
export interface SagaPage {
  counts: Record<SagaRow['state'], number>
  sagas: SagaRow[]
  next?: string
}

/** A sale as Redis has it. */
export interface LiveSale {
  saleId: string
  title: string
  stock: number
  left: number
  /** Reservations that the broker has not confirmed. */
  pending: number
  /**
   * Reservations that are neither order nor rejected: the pending ones, those at the broker, those just being placed.
   */
  undecided: number
  opensAtMs: number
  closesAtMs: number
  isStopped: boolean
  /** Of a sale with a waiting room. */
  line?: LineCounts
}

/** The waiting room of a sale. */
export interface LineCounts {
  /** People who came before the opening, until they are shuffled. */
  registered: number
  /** People in the line who are present, and those who are absent. */
  waiting: number
  absent: number
  /** Of those who are present: in the members' line. */
  members: number
  /** People admitted in all; those among them who have not bought and still may. */
  admitted: number
  outstanding: number
  /** As measured; null before that. */
  perSecond: number | null
}

/** Orders by what became of them. */
export interface OrderTally {
  saleId: string
  unpaid: number
  paid: number
  cancelled: number
  refunded: number
}

export interface AuditVerdict {
  /**
   * `accounted`: nothing is in flight and no unit is missing. `running`: nothing is wrong, some units are in flight.
   */
  state: 'accounted' | 'running' | 'wrong'
  atMs: number
  /** What is wrong, a few sentences at most. */
  wrong: string[]
}

/** A message that no attempt could process, as JSON for the page and the command line. */
export interface DeadLetter {
  /**
   * A hash of what is shown and of the whole body: stable, and the same for identical letters.
   */
  id: string
  /** Where it comes from; null when nothing says so, and then it cannot be sent back. */
  queue: string | null
  /** `unreadable` or `refused` by its consumer, or the broker's own word: `delivery_limit`, `rejected`, `expired`, … */
  reason: string
  /** What was wrong, in the consumer's words. */
  why: string | null
  at: string | null
  bytes: number
  /** The beginning of its body, as text. */
  beginning: string
}

/** GET /dead-letters: how many there are, and the oldest. */
export interface DeadLetterPage {
  count: number
  letters: DeadLetter[]
  next?: string
}

/** A sentence in each language that the pages speak. */
export type Said = Record<'en' | 'zh', string>

/** Something that is on record about a reservation or its order. */
export interface StoryStep {
  at: string
  /** Whose work it was; `redis` for what came to be known there. */
  service: 'gateway' | 'order-service' | 'cancel-worker' | 'subscribers' | 'payment-provider' | 'redis'
  says: Said
}

/** What happened to one reservation and its order, from the first to the last. */
export interface StoryView {
  reservationId: string
  orderId: string | null
  saleId: string
  buyerId: string
  steps: StoryStep[]
  /** Absent where no store has spans of it. */
  trace?: StoryTrace
}

export interface StoryTrace {
  /** As the trace store and the log name it. */
  id: string
  /** Each followed by those that it is the parent of; otherwise oldest first, by the clocks of the services. */
  spans: StorySpan[]
}

export interface StorySpan {
  at: string
  ms: number
  service: string
  name: string
  failed: boolean
  /** How many spans it stands under. */
  depth: number
}

/** GET /stories/:id, of a reservation, an order or a buyer: the newest first. */
export interface StoriesView {
  stories: StoryView[]
}

/** POST /dead-letters/send-back */
export interface SentBack {
  sent: string[]
  kept: { id: string; outcome: string }[]
}

export interface CrowdView {
  /** `PAYING`: every purchase is sent, some payments are not done. */
  state: 'RUNNING' | 'PAYING' | 'DONE' | 'STOPPED' | 'FAILED'
  saleId: string
  buyers: number
  seconds: number
  startedAtMs: number
  elapsedSeconds: number
  /** Purchases that were sent; `answers` are of these. */
  asked: number
  answers: RequestCounts
  /** Purchases without an answer, or without a connection. */
  unanswered: number
  /** Accepted purchases whose order is paid. */
  paid: number
}

/** Why a service is not ready, as its /readyz says, or that it does not answer. */
export interface ServiceProblem {
  service: string
  check: string
  code: string
  detail: string
}

/** What can be done to a process of the launcher. One that is killed or restarted is started again. */
export const PROCESS_ACTIONS = ['kill', 'restart', 'pause', 'resume'] as const
export type ProcessAction = (typeof PROCESS_ACTIONS)[number]

export interface ProcessView {
  name: string
  kind: 'service' | 'server'
  state: 'STARTING' | 'RUNNING' | 'PAUSED' | 'DOWN'
  pid: number | null
  startedAtMs: number | null
  restarts: number
  /** The control room itself, which cannot be ended from its own page. */
  protected: boolean
}

/** The state of the system, sent once a second. A source that does not answer is null; the others are shown. */
export interface LiveFrame {
  atMs: number
  /** Purchase attempts a second. */
  requests: RequestCounts | null
  sales: LiveSale[] | null
  /** Messages; one carries up to 64 reservations. */
  queues: { intake: number; deadLetters: number } | null
  ledger: {
    /** Units that became part of an order, a second; null in the first frame. */
    orderedPerSecond: number | null
    /** Rows that PostgreSQL wrote, a second. */
    writesPerSecond: number | null
    /** Messages that are still to be sent. */
    outbox: number
  } | null
  /** Orders of the sales shown, counted less often when counting is slow. */
  orders: OrderTally[] | null
  audit: AuditVerdict | null
  crowd: CrowdView | null
  /** Problems of the services whose URLs the control room is given; null until the first answers. */
  problems: ServiceProblem[] | null
  /** Null when this system was not started by `npm start`. */
  processes: ProcessView[] | null
}

export const CROWD_BUYERS_MAX = 20_000
export const CROWD_SECONDS_MAX = 60

/** POST /crowd */
export interface CrowdRequest {
  /** Without one the crowd makes a sale of its own. */
  saleId?: string | undefined
  buyers: number
  seconds: number
}
