import { SHARDS_MAX } from '../../core/contracts/values.ts'
import type { Costs } from '../bench/costs.ts'

export interface SalePlan {
  buyers: number
  /** Within which all buyers come. */
  seconds: number
  stock: number
  /** Within which the orders of all units are written. */
  orderSeconds: number
  /** Within which they are paid. */
  paySeconds: number
}

/** What one component does at the peak of a sale. */
export interface Load {
  /** Busy cores, with a third more for short peaks. */
  cores: number
  /** Without that third: those that write and pay orders while buyers still arrive. */
  laterCores: number
  formula: string
}

/** What the services bring with them. */
export interface Facts {
  /** Open connections of one gateway process. */
  connectionsMax: number
  /** To PostgreSQL, by one process of each service. */
  pools: { orderService: number; cancelWorker: number; controlRoom: number; subscribers: number }
}

export interface Row {
  component: string
  /** Processes, or nodes. */
  count: number
  /** Busy cores at the peak of all of them together; of PostgreSQL and each node of RabbitMQ, of one. */
  cores: number
  memoryMb: number
  formula: string
}

export interface Reckoning {
  rows: Row[]
  databaseConnections: number
  settings: Record<string, number>
  /** What cannot be multiplied, and at what share of its limit it is; the highest first. */
  limits: { what: string; used: number }[]
}

/** A third more than the mean, for short peaks (docs/performance.md). */
const PEAKS = 4 / 3
/** A reservation in Redis with its token buckets (docs/performance.md, commit 1138cbd). */
const RESERVATION_BYTES = 430
/** A fork for the append-only file may double it. */
const REDIS_COPY = 2
/** Of an idle Redis, and of a node process with a small heap (dev/services.ts). */
const [REDIS_MB, SERVICE_MB] = [20, 130]
/** RabbitMQ starts with it, and a reservation that waits takes 200 bytes in the queue (core/contracts/topology.ts). */
const [RABBITMQ_MB, QUEUED_BYTES] = [150, 200]
/** max_connections and shared_buffers as shipped, and some 10 MB for each backend (PostgreSQL's manual). */
const [POSTGRES_MB, BACKEND_MB] = [200, 10]
/** Loses one without losing a majority; a standby for each primary. */
const [RABBITMQ_NODES, COPIES] = [3, 2]
/** One writes, the others are there when it dies. */
const SPARE = 2
/** For migrations, audits and backups (dev/compose-check.ts). */
const OTHER_CONNECTIONS = 13
/** Of a large machine. */
const CORES_MAX = 32

/** Nodes, memory and connections for one sale, out of the costs that a bench has measured. */
export function reckon(plan: SalePlan, costs: Costs, facts: Facts): Reckoning {
  const loads = loadsOf(plan, costs)
  const counts = countsOf(plan, loads, facts)
  const { pools } = facts
  const databaseConnections =
    counts.orderServices * pools.orderService +
    SPARE * (pools.cancelWorker + pools.controlRoom) +
    counts.subscribers * pools.subscribers +
    OTHER_CONNECTIONS
  return {
    rows: rowsOf(plan, loads, counts, { ...facts, databaseConnections }),
    databaseConnections,
    settings: {
      shards: Math.min(SHARDS_MAX, counts.masters),
      INTAKE_QUEUE_MAX_LENGTH: acceptedOf(plan),
      ORDERS_PER_SECOND: ordersPerSecondOf(plan, counts),
      // Twice the backlog's time: an order service may die meanwhile.
      RESERVATION_LIFETIME_SECONDS: Math.max(120, 2 * plan.orderSeconds),
      max_connections: databaseConnections,
    },
    limits: [
      { what: `shards of a sale (${SHARDS_MAX} at most), one on each master`, used: counts.masters / SHARDS_MAX },
      { what: `cores of the one primary of PostgreSQL (${CORES_MAX} assumed)`, used: loads.postgres.cores / CORES_MAX },
      { what: `cores of each node of RabbitMQ (${CORES_MAX} assumed)`, used: loads.rabbitmq.cores / CORES_MAX },
    ].toSorted((one, other) => other.used - one.used),
  }
}

/** No more than there are units, or buyers. */
export const acceptedOf = ({ stock, buyers }: SalePlan) => Math.min(stock, buyers)

/** Rates times costs. Orders are still being written when the first are paid, so both count at a time. */
export function loadsOf(plan: SalePlan, costs: Costs) {
  const arrivals = plan.buyers / plan.seconds
  const orders = acceptedOf(plan) / plan.orderSeconds
  const payments = acceptedOf(plan) / plan.paySeconds
  const term = (rate: number, micros: number) =>
    micros > 0 ? [`${Math.round(rate).toLocaleString('en')}/s × ${micros.toFixed(0)} µs`] : []
  const load = (process: string, micros = 0): Load => {
    const [order = 0, pay = 0] = [costs.order[process], costs.pay[process]]
    const laterCores = (orders * order + payments * pay) / 1e6
    const terms = [...term(arrivals, micros), ...term(orders, order), ...term(payments, pay)]
    return {
      cores: PEAKS * ((arrivals * micros) / 1e6 + laterCores),
      laterCores,
      formula: `(${terms.join(' + ')}) × 4/3`,
    }
  }
  return {
    // The dearer of 202 and refusal.
    gateway: load('gateway', Math.max(costs.accept.gateway ?? 0, costs.refuse.gateway ?? 0)),
    redis: load('redis', costs.accept.redis),
    rabbitmq: load('rabbitmq', costs.accept.rabbitmq),
    postgres: load('postgres', costs.accept.postgres),
    orderService: load('order-service'),
    subscribers: load('subscribers'),
  } satisfies Record<string, Load>
}
type Loads = ReturnType<typeof loadsOf>

/** Processes, and masters of Redis. */
export function countsOf({ buyers }: SalePlan, loads: Loads, { connectionsMax }: Pick<Facts, 'connectionsMax'>) {
  return {
    gateways: Math.max(SPARE, Math.ceil(loads.gateway.cores), Math.ceil(buyers / connectionsMax)),
    masters: Math.max(1, Math.ceil(loads.redis.cores)),
    orderServices: Math.max(SPARE, Math.ceil(loads.orderService.cores)),
    subscribers: Math.max(SPARE, Math.ceil(loads.subscribers.cores)),
  }
}

/** Of one order service. */
export const ordersPerSecondOf = (plan: SalePlan, { orderServices }: { orderServices: number }) =>
  Math.ceil(acceptedOf(plan) / plan.orderSeconds / orderServices)

function rowsOf(
  plan: SalePlan,
  loads: Loads,
  { gateways, masters, orderServices, subscribers }: ReturnType<typeof countsOf>,
  { connectionsMax, databaseConnections }: { connectionsMax: number; databaseConnections: number },
): Row[] {
  const row = (component: string, count: number, { cores, formula }: Load, memoryMb = count * SERVICE_MB): Row => ({
    component,
    count,
    cores,
    memoryMb,
    formula,
  })
  const accepted = acceptedOf(plan)
  const add = (load: Load, before: string, after: string) => ({ ...load, formula: before + load.formula + after })
  const connections = `; ${plan.buyers.toLocaleString('en')} connections / ${connectionsMax.toLocaleString('en')}`
  const redisMb = COPIES * (masters * REDIS_MB + megabytes(accepted * RESERVATION_BYTES * REDIS_COPY))
  const redisBytes = `; ${RESERVATION_BYTES} bytes × ${REDIS_COPY} each unit`
  const rabbitMb = RABBITMQ_NODES * (RABBITMQ_MB + megabytes(accepted * QUEUED_BYTES))
  const postgresMb = COPIES * POSTGRES_MB + databaseConnections * BACKEND_MB
  return [
    row('gateway', gateways, add(loads.gateway, '', connections)),
    row('Redis, masters and replicas', COPIES * masters, add(loads.redis, 'one thread each: ', redisBytes), redisMb),
    row('RabbitMQ', RABBITMQ_NODES, add(loads.rabbitmq, 'each node has every message: ', ''), rabbitMb),
    row('order service', orderServices, loads.orderService),
    row(
      'PostgreSQL, primary and standby',
      COPIES,
      add(loads.postgres, '', `; ${databaseConnections} connections`),
      postgresMb,
    ),
    row('subscribers', subscribers, loads.subscribers),
    row('cancel worker, control room', 2 * SPARE, { cores: 0, laterCores: 0, formula: 'one works, one is spare' }),
  ]
}

const megabytes = (bytes: number) => Math.ceil(bytes / 1e6)
