import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../../dev/servers/ports.ts'
import { startRabbitmq } from '../../dev/servers/rabbitmq.ts'
import { eventually } from '../../test/support/eventually.ts'
import { connectBroker, type Place } from '../frame/place.ts'
import { inSecondUntil, isTooMany, type Step } from './history.ts'
import { fill, generateTokens, type Limiter, openTokens, takeTokens } from './limiters.ts'

const REQUESTS = 600
const ARRIVALS_PER_SECOND = 250
/** A slow machine lets fewer come in a second than the limit allows: there they go on until it was passed once. */
const MOST_REQUESTS = 10 * REQUESTS
/** So many requests ask at the same time at most, each through a limiter of its own. */
const DOORS = 8

interface Rush {
  /** Called before each request. */
  onRequest?: (request: number) => unknown
  /** More requests come after the last one until the limit was passed. */
  untilPassed?: boolean
}

/** Lets requests come at seeded times, five times as many as the limit. */
export async function letCome(place: Place<Step>, doors: Limiter[], rush: Rush = {}): Promise<void> {
  const { random, now } = place
  let comesAt = now()
  let next = 1
  const admitted: Step[] = []
  let isPassed = false
  const anotherComes = () => next <= REQUESTS || (rush.untilPassed && !isPassed && next <= MOST_REQUESTS)
  const door = async (limiter: Limiter) => {
    while (anotherComes()) {
      const request = next++
      rush.onRequest?.(request)
      comesAt += -Math.log(1 - random.next()) * (1_000 / ARRIVALS_PER_SECOND)
      await sleep(Math.max(0, comesAt - now()))
      const step = await ask(now, limiter, request)
      place.record(step)
      if (step.did !== 'ADMITTED') continue
      admitted.push(step)
      isPassed ||= isTooMany(inSecondUntil(step, admitted))
    }
  }
  await Promise.all(doors.map(door))
}

async function ask(now: () => number, limiter: Limiter, request: number): Promise<Step> {
  const askedAt = now()
  const isAdmitted = await limiter().catch(() => undefined)
  const at = now()
  const did = isAdmitted === undefined ? 'NO_ANSWER' : isAdmitted ? 'ADMITTED' : 'REFUSED'
  return { did, at, request, tookMs: at - askedAt }
}

export const doorsOf = (open: () => Promise<Limiter>): Promise<Limiter[]> =>
  Promise.all(Array.from({ length: DOORS }, open))

/** Tokens from a queue. @param meanwhile what happens to the generator after a third of the requests */
export async function withQueue(place: Place<Step>, meanwhile?: 'DIES' | 'IS_STARTED_TWICE'): Promise<void> {
  const { broker, now, defer } = place
  const doors = await doorsOf(() => takeTokens(broker))
  const [channel, second] = [await openTokens(broker), await openTokens(broker)]
  await fill(broker)
  const stop = generateTokens(channel)
  defer(stop)
  const onRequest = (request: number) => {
    if (request !== REQUESTS / 3) return
    if (meanwhile === 'DIES') {
      stop()
      place.record({ did: 'GENERATOR_DIED', at: now() })
    }
    if (meanwhile === 'IS_STARTED_TWICE') {
      place.record({ did: 'SECOND_GENERATOR', at: now() })
      defer(generateTokens(second))
    }
  }
  await letCome(place, doors, { onRequest, untilPassed: meanwhile === 'IS_STARTED_TWICE' })
}

/** Tokens from a queue of a broker of the lab's own, which is killed after some requests, and started again. */
export async function withKilledBroker(place: Place<Step>): Promise<void> {
  const { now, onStart, defer, folder } = place
  const ports = { port: await freePort(), managementPort: await freePort() }
  const start = async () => {
    const server = await startRabbitmq({ dataDir: join(folder, 'rabbitmq'), onStart, disposable: true, ...ports })
    defer(() => server.stop())
    const broker = await connectBroker(server.url)
    await fill(broker)
    defer(generateTokens(await openTokens(broker)))
    return { server, limiter: await takeTokens(broker) }
  }
  let { server, limiter } = await start()
  let request = 0
  const come = async () => {
    const step = await ask(now, limiter, ++request)
    place.record(step)
    return step.did
  }
  for (let i = 0; i < 50; i++) await come()
  await server.stop()
  place.record({ did: 'BROKER_KILLED', at: now() })
  let isBack = false
  const starting = start().then((started) => {
    ;({ server, limiter } = started)
    isBack = true
  })
  while (!isBack) {
    await come()
    await sleep(100)
  }
  await starting
  await eventually('a request that is admitted again', come, (did) => did === 'ADMITTED')
}
