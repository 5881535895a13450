import type { AuditReport } from '../../core/audit/report.ts'
import type { QueueReader } from '../../core/audit/queue-depths.ts'
import type {
  LiveFrame,
  ProcessView,
  RequestCounts,
  CrowdView,
  ServiceProblem,
} from '../../core/contracts/control-room.ts'
import type { Database } from '../../core/platform/stores/database.ts'
import type { Stock } from '../../core/stock/stock.ts'
import type { WaitingRoom } from '../../core/waiting-room/waiting-room.ts'
import { type LedgerCounters, readCounters, tallyOrders } from './read-ledger.ts'
import { countRequests } from './read-requests.ts'
import { readSales } from './read-sales.ts'
import { promptly, rates, sampleAll, sparingly } from './source.ts'
import { verdictOf } from './verdict.ts'

/** A frame is sent every second, with the sources that have answered by then. */
const WAIT_MS = 800
/** Counting orders and auditing read whole tables: at most this often, and for at most this share of the time. */
const ORDERS = { everyMs: 1_000, shareMax: 0.1 }
const AUDIT = { everyMs: 5_000, shareMax: 0.2 }
const PROBLEMS = { everyMs: 2_000, shareMax: 1 }
/**
 * Orders are committed some hundred at a time, and PostgreSQL tells of its writes once a second: the rate of a single
 * reading would jump.
 */
const LEDGER_READINGS = 3

export interface SamplerDeps {
  database: Database
  stock: Stock
  room: WaitingRoom
  queues: QueueReader
  gatewayUrl: string | undefined
  /** Bearer token of the gateway's /metrics. */
  metricsToken: string | undefined
  audit: () => Promise<AuditReport>
  crowd: () => CrowdView | null
  problems: () => Promise<ServiceProblem[]>
  processes: () => Promise<ProcessView[] | null>
}

/** Reads every source at once. None of them can keep the others from being shown. */
export function sampler({
  database,
  stock,
  room,
  queues,
  gatewayUrl,
  metricsToken,
  audit,
  crowd,
  problems,
  processes,
}: SamplerDeps): () => Promise<LiveFrame> {
  const requestRates = rates<RequestCounts>()
  const ledgerRates = rates<LedgerCounters>(LEDGER_READINGS)
  const sources = {
    requests: promptly(WAIT_MS, async () =>
      gatewayUrl === undefined ? null : requestRates(await countRequests(gatewayUrl, metricsToken)),
    ),
    sales: promptly(WAIT_MS, () => readSales(stock, room)),
    queues: promptly(WAIT_MS, async () => {
      const { intake, deadLetters } = await queues.read()
      return { intake, deadLetters }
    }),
    ledger: promptly(WAIT_MS, async () => {
      const { outbox, ...counters } = await readCounters(database)
      const perSecond = ledgerRates(counters)
      return { orderedPerSecond: perSecond?.ordered ?? null, writesPerSecond: perSecond?.writes ?? null, outbox }
    }),
    orders: sparingly(ORDERS, () => tallyOrders(database)),
    audit: sparingly(AUDIT, () => verdictOf(audit)),
    problems: sparingly(PROBLEMS, problems),
    processes: promptly(WAIT_MS, processes),
  }
  let shownIds = new Set<string>()
  return async () => {
    const frame = await sampleAll(sources)
    if (frame.sales) shownIds = new Set(frame.sales.map(({ saleId }) => saleId))
    // With the orders of all past sales a frame would grow with every crowd, and a new watcher gets two minutes of
    // frames.
    const orders = frame.orders?.filter(({ saleId }) => shownIds.has(saleId)) ?? null
    return { atMs: Date.now(), ...frame, orders, crowd: crowd() }
  }
}
