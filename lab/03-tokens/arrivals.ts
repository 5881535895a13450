import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../../dev/servers/ports.ts'
import { startRabbitmq } from '../../dev/servers/rabbitmq.ts'
import { eventually } from '../../test/support/eventually.ts'
import { connectBroker, type Place } from '../frame/place.ts'
import { fill, generateTokens, type Limiter, openTokens, takeTokens } from './limiters.ts'

/** What a request was told, or what became of a part of the limiter. */
export interface Step {
  did: 'ADMITTED' | 'REFUSED' | 'NO_ANSWER' | 'GENERATOR_DIED' | 'SECOND_GENERATOR' | 'BROKER_KILLED'
  at: number
  request?: number
  /** From the question to the answer. */
  tookMs?: number
}

const REQUESTS = 600
const ARRIVALS_PER_SECOND = 250
/** So many requests ask at the same time at most, each through a limiter of its own. */
const DOORS = 8

/** Lets requests come at seeded times, five times as many as the limit. @param onRequest called before each of them */
export async function letCome(
  place: Place<Step>,
  doors: Limiter[],
  onRequest: (request: number) => unknown = () => {},
): Promise<void> {
  const { random, now } = place
  const startedAt = now()
  let comesAt = startedAt
  let next = 1
  const door = async (limiter: Limiter) => {
    while (next <= REQUESTS) {
      const request = next++
      onRequest(request)
      comesAt += -Math.log(1 - random.next()) * (1_000 / ARRIVALS_PER_SECOND)
      await sleep(Math.max(0, comesAt - now()))
      place.record(await ask(now, limiter, request))
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
  await letCome(place, doors, (request) => {
    if (request !== REQUESTS / 3) return
    if (meanwhile === 'DIES') {
      stop()
      place.record({ did: 'GENERATOR_DIED', at: now() })
    }
    if (meanwhile === 'IS_STARTED_TWICE') {
      place.record({ did: 'SECOND_GENERATOR', at: now() })
      defer(generateTokens(second))
    }
  })
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
