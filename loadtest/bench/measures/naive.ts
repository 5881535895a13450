import { setTimeout as delay } from 'node:timers/promises'
import { NAIVE_QUEUE } from '../../naive/queue-channel.ts'
import type { Bench } from '../context.ts'
import { measure } from '../measure.ts'
import type { NaiveDesign } from '../naive-shop.ts'
import type { Program } from '../program.ts'
import type { Drain, Measured } from '../results.ts'

const STOCK = 10_000_000
/** Sold out within moments by the same crowd, to see that exactly so many are sold. */
const SMALL_STOCK = 200
const SERVERS = ['redis', 'rabbitmq', 'postgres']

/** A design that answers once the row is there. */
export async function measureNaive(bench: Bench, design: NaiveDesign): Promise<Measured> {
  const program = await bench.naive.start(design)
  try {
    await checkSmallSale(bench, design, program)
    const { saleId, url } = await bench.naive.openSale(program, STOCK)
    const before = async () => (await bench.naive.rows(saleId)).orders
    let warmUpOrders = 0
    const measured = await measure(bench, {
      name: design,
      url,
      processes: [design, ...SERVERS],
      expected: ['accepted'],
      afterWarmUp: async () => {
        warmUpOrders = await before()
      },
    })
    await checkRows(bench, design, saleId, warmUpOrders + measured.load.outcomes.accepted)
    return { ...measured, durablePerSecond: measured.load.perSecond.accepted }
  } finally {
    await program.stop()
  }
}

/**
 * The queue: first what it accepts with nobody consuming, as with ours, then what its consumer writes with nobody
 * buying.
 */
export async function measureNaiveQueue(bench: Bench): Promise<{ measured: Measured; drain: Drain }> {
  const program = await bench.naive.start('queue')
  try {
    const consumer = await bench.naive.start('queue-consumer')
    await checkSmallSale(bench, 'queue', program)
    await consumer.stop()
    const { saleId, url } = await bench.naive.openSale(program, STOCK)
    const measured = await measure(bench, {
      name: 'queue',
      url,
      processes: ['queue', ...SERVERS],
      expected: ['accepted'],
    })
    return { measured, drain: await drainForAWhile(bench, saleId) }
  } finally {
    await program.stop()
  }
}

async function drainForAWhile(bench: Bench, saleId: string): Promise<Drain> {
  const consumer = await bench.naive.start('queue-consumer')
  const [before, since] = [await bench.naive.rows(saleId), performance.now()]
  await delay(bench.options.seconds * 1_000)
  const [after, until] = [await bench.naive.rows(saleId), performance.now()]
  await consumer.stop()
  await bench.naive.forgetQueue(NAIVE_QUEUE)
  const rows = await bench.naive.rows(saleId)
  if (rows.sold !== rows.orders)
    bench.unexpected.push(`naive queue: ${rows.orders} orders, but the counter says ${rows.sold}`)
  return { orders: after.orders, ordersPerSecond: (after.orders - before.orders) / ((until - since) / 1_000) }
}

async function checkSmallSale(bench: Bench, design: NaiveDesign, program: Program): Promise<void> {
  const { saleId, url } = await bench.naive.openSale(program, SMALL_STOCK)
  const { connections } = bench.options
  for (let firstBuyer = 0, soldOut = 0; soldOut === 0; ) {
    const load = await bench.generator.run({
      kind: 'http',
      mode: 'closed',
      url,
      seconds: 0.5,
      connections,
      connectionsMax: connections,
      firstBuyer,
    })
    if (load.outcomes.accepted === 0 && load.outcomes.soldOut === 0)
      throw new Error(`The naive design ${design} does not sell: ${JSON.stringify(load.statuses)}`)
    firstBuyer = load.nextBuyer
    soldOut = load.outcomes.soldOut
  }
  await checkRows(bench, design, saleId, SMALL_STOCK)
}

/** A rival that oversells would win by cheating. */
async function checkRows(bench: Bench, design: NaiveDesign, saleId: string, expected: number): Promise<void> {
  const { stock, sold, orders } = await bench.naive.untilOrdered(saleId, expected)
  if (orders !== expected || sold !== expected || sold > stock) {
    bench.unexpected.push(
      `naive ${design}: expected ${expected} orders in ${saleId}, found ${orders}, counted ${sold}, of ${stock} units`,
    )
  }
}
