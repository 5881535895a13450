import type { Bench } from '../context.ts'
import { measure } from '../measure.ts'
import type { Measured } from '../results.ts'
import type { GatewayName } from '../settings.ts'
import { buyUrl, SERVERS } from './buying.ts'

/** Few enough that each meets its limit at once. */
const LIMITED_BUYERS = 64

/** Told "sold out": a new buyer every time, or the same few who keep asking. */
export async function measureSoldOut(
  bench: Bench,
  gateway: GatewayName,
  { again }: { again: boolean },
): Promise<Measured> {
  const saleId = await bench.controlRoom.openSale(1)
  const url = buyUrl(bench, gateway, saleId)
  const winner = await bench.generator.run({
    kind: 'http',
    mode: 'closed',
    url,
    seconds: 0.2,
    connections: 1,
    connectionsMax: 1,
    firstBuyer: 0,
  })
  bench.accepted.set(saleId, winner.outcomes.accepted)
  // The winner would be told of its reservation, not that nothing is left.
  const plan = { firstBuyer: 1, ...(again && { buyers: LIMITED_BUYERS }) }
  return await measure(bench, {
    name: `sold out (${gateway})`,
    saleId,
    url,
    plan,
    processes: [gateway, ...SERVERS],
    expected: ['soldOut'],
  })
}

/** Told to slow down: every buyer may try once a second. The few who may are told of the reservation they hold. */
export async function measureLimited(bench: Bench): Promise<Measured> {
  const gateway = 'gateway, strict limits'
  const saleId = await bench.controlRoom.openSale(LIMITED_BUYERS)
  const url = buyUrl(bench, gateway, saleId)
  // A repeat's 202 names the same reservation: however many of them come, there are so many.
  bench.accepted.set(saleId, LIMITED_BUYERS)
  return await measure(bench, {
    name: 'limited',
    url,
    plan: { buyers: LIMITED_BUYERS },
    processes: [gateway, ...SERVERS],
    expected: ['limited', 'accepted'],
  })
}
