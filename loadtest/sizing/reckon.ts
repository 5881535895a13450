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

/** Nodes, memory and connections for one sale, out of the costs that a bench has measured. */
export function reckon(plan: SalePlan, costs: Costs, { connectionsMax, pools }: Facts): Reckoning {
  const { buyers, seconds, stock, orderSeconds, paySeconds } = plan
  const accepted = Math.min(stock, buyers)
  const arrivals = buyers / seconds
  const orders = accepted / orderSeconds
  const payments = accepted / paySeconds
  const cores = (rate: number, micros = 0) => (rate * micros * PEAKS) / 1e6
  /** Both at a time: orders are still being written when the first are paid. */
  const afterwards = (process: string) => cores(orders, costs.order[process]) + cores(payments, costs.pay[process])

  const gatewayCores =
    Math.max(cores(arrivals, costs.accept.gateway), cores(arrivals, costs.refuse.gateway)) + afterwards('gateway')
  const gateways = Math.max(SPARE, Math.ceil(gatewayCores), Math.ceil(buyers / connectionsMax))
  const redisCores = cores(arrivals, costs.accept.redis) + afterwards('redis')
  const masters = Math.max(1, Math.ceil(redisCores))
  const orderCores = afterwards('order-service')
  const orderServices = Math.max(SPARE, Math.ceil(orderCores))
  const subscriberCores = afterwards('subscribers')
  const subscribers = Math.max(SPARE, Math.ceil(subscriberCores))
  const rabbitCores = cores(arrivals, costs.accept.rabbitmq) + afterwards('rabbitmq')
  const postgresCores = cores(arrivals, costs.accept.postgres) + afterwards('postgres')
  const databaseConnections =
    orderServices * pools.orderService +
    SPARE * (pools.cancelWorker + pools.controlRoom) +
    subscribers * pools.subscribers +
    OTHER_CONNECTIONS

  const us = (micros = 0) => micros.toFixed(0)
  const perSecond = (rate: number) => `${Math.round(rate).toLocaleString('en')}/s`
  const onArrival = (micros = 0) => `${perSecond(arrivals)} × ${us(micros)} µs`
  const later = (process: string) =>
    `${perSecond(orders)} × ${us(costs.order[process])} µs + ${perSecond(payments)} × ${us(costs.pay[process])} µs`
  const rows: Row[] = [
    {
      component: 'gateway',
      count: gateways,
      cores: gatewayCores,
      memoryMb: gateways * SERVICE_MB,
      formula:
        `(${onArrival(Math.max(costs.accept.gateway ?? 0, costs.refuse.gateway ?? 0))} + ${later('gateway')}) × 4/3; ` +
        `${buyers.toLocaleString('en')} connections / ${connectionsMax.toLocaleString('en')}`,
    },
    {
      component: 'Redis, masters and replicas',
      count: COPIES * masters,
      cores: redisCores,
      memoryMb: COPIES * (masters * REDIS_MB + megabytes(accepted * RESERVATION_BYTES * REDIS_COPY)),
      formula:
        `one thread each: (${onArrival(costs.accept.redis)} + ${later('redis')}) × 4/3; ` +
        `${RESERVATION_BYTES} bytes × 2 each unit`,
    },
    {
      component: 'RabbitMQ',
      count: RABBITMQ_NODES,
      cores: rabbitCores,
      memoryMb: RABBITMQ_NODES * (RABBITMQ_MB + megabytes(accepted * QUEUED_BYTES)),
      formula: `each node has every message: (${onArrival(costs.accept.rabbitmq)} + ${later('rabbitmq')}) × 4/3`,
    },
    {
      component: 'order service',
      count: orderServices,
      cores: orderCores,
      memoryMb: orderServices * SERVICE_MB,
      formula: `(${later('order-service')}) × 4/3`,
    },
    {
      component: 'PostgreSQL, primary and standby',
      count: COPIES,
      cores: postgresCores,
      memoryMb: COPIES * POSTGRES_MB + databaseConnections * BACKEND_MB,
      formula: `(${later('postgres')}) × 4/3; ${databaseConnections} connections`,
    },
    {
      component: 'subscribers',
      count: subscribers,
      cores: subscriberCores,
      memoryMb: subscribers * SERVICE_MB,
      formula: `(${later('subscribers')}) × 4/3`,
    },
    {
      component: 'cancel worker, control room',
      count: 2 * SPARE,
      cores: 0,
      memoryMb: 2 * SPARE * SERVICE_MB,
      formula: 'one works, one is spare',
    },
  ]
  return {
    rows,
    databaseConnections,
    settings: {
      shards: Math.min(SHARDS_MAX, masters),
      INTAKE_QUEUE_MAX_LENGTH: accepted,
      ORDERS_PER_SECOND: Math.ceil(orders / orderServices),
      // Twice the backlog's time: an order service may die meanwhile.
      RESERVATION_LIFETIME_SECONDS: Math.max(120, 2 * orderSeconds),
      max_connections: databaseConnections,
    },
    limits: [
      { what: `shards of a sale (${SHARDS_MAX} at most), one on each master`, used: masters / SHARDS_MAX },
      { what: `cores of the one primary of PostgreSQL (${CORES_MAX} assumed)`, used: postgresCores / CORES_MAX },
      { what: `cores of each node of RabbitMQ (${CORES_MAX} assumed)`, used: rabbitCores / CORES_MAX },
    ].toSorted((one, other) => other.used - one.used),
  }
}

/** Of a large machine. */
const CORES_MAX = 32
const megabytes = (bytes: number) => Math.ceil(bytes / 1e6)
