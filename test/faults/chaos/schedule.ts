import { setTimeout as sleep } from 'node:timers/promises'
import { Random } from '../support/random.ts'
import type { ClusterServers } from '../support/cluster-servers.ts'
import { type AnyServers, SERVER_NAMES, type Servers } from '../support/servers.ts'
import { INSTANCES } from '../support/settings.ts'
import type { Shop } from '../support/shop.ts'
import { CLUSTER_STRIKES, mayForget } from './cluster-strikes.ts'
import { instanceStrikes, linkStrikes, LOSSES_OF_MEMORY, SERVER_STRIKES, type Strike } from './strikes.ts'

/** Faults begin while buyers arrive, and not before some of them have. */
const FIRST_AT_MS = 500
const LAST_AT_MS = 7_000
const HELD_MS = { least: 200, most: 4_000 }
const FAULTS = { least: 3, most: 6 }
const DOUBLE_CHANCE = 0.15
/** Of a fault that is played by itself: buyers come before, meanwhile and after. */
const ALONE = { atMs: 2_000, holdMs: 3_000 }

export interface Fault<Own extends AnyServers = Servers> {
  victim: string
  /** The kind of fault. */
  harm: string
  atMs: number
  holdMs: number
  strike: Strike<Own>
}

interface Victim<Own extends AnyServers> {
  name: string
  strikes: Record<string, Strike<Own>>
}

/** What may be struck, by kinds; and which harms make Redis forget what it has accepted. */
export interface Victims<Own extends AnyServers> {
  kinds: Victim<Own>[][]
  forgets: (victim: string, harm: string) => boolean
}

/**
 * The same seed is the same schedule. Each victim is struck once in a round, so that faults overlap but never undo each
 * other.
 */
export function drawSchedule<Own extends AnyServers>(seed: number, victims: Victims<Own>): Fault<Own>[] {
  const random = new Random(seed)
  const { kinds } = victims
  const schedule: Fault<Own>[] = []
  let atMs = 0
  for (let left = random.between(FAULTS.least, FAULTS.most); left > 0; left--) {
    const spared = kinds
      .map((kind) => kind.filter((victim) => harmsLeft(schedule, victim, victims).length > 0))
      .filter((kind) => kind.length > 0)
    // By kind first: there are twice as many links as anything else.
    const victim = random.pick(random.pick(spared))
    const harm = random.pick(harmsLeft(schedule, victim, victims))
    const isDouble = schedule.length > 0 && random.chance(DOUBLE_CHANCE)
    if (!isDouble) atMs = random.between(FIRST_AT_MS, LAST_AT_MS)
    schedule.push({
      victim: victim.name,
      harm,
      atMs,
      holdMs: random.between(HELD_MS.least, HELD_MS.most),
      strike: victim.strikes[harm] as Strike<Own>,
    })
  }
  return schedule.toSorted((one, other) => one.atMs - other.atMs)
}

/** Each kind of fault by itself: of nodes and processes of the same kind the first one is struck. */
export function eachAlone<Own extends AnyServers>(victims: Victims<Own>): Fault<Own>[][] {
  const faults = victims.kinds
    .flat()
    .flatMap(({ name, strikes }) =>
      Object.entries(strikes).map(([harm, strike]): Fault<Own> => ({ victim: name, harm, strike, ...ALONE })),
    )
  const kindOf = ({ victim, harm }: Fault<Own>) => `${harm} ${victim}`.replaceAll(/\d+/g, '')
  const firstOfKind = new Map(faults.toReversed().map((fault) => [kindOf(fault), fault]))
  return faults.filter((fault) => firstOfKind.get(kindOf(fault)) === fault).map((fault) => [fault])
}

function harmsLeft<Own extends AnyServers>(
  schedule: Fault<Own>[],
  { name, strikes }: Victim<Own>,
  victims: Victims<Own>,
): string[] {
  if (schedule.some((fault) => fault.victim === name)) return []
  return Object.keys(strikes).filter((harm) => !isTooMuch(schedule, name, harm, victims))
}

/**
 * Unconfirmed reservations exist in Redis only. When the broker is unreachable and Redis loses data, they are lost: the
 * only pair of simultaneous faults that is not promised to be survived (see docs/reliability.md).
 */
function isTooMuch<Own extends AnyServers>(
  schedule: Fault<Own>[],
  victim: string,
  harm: string,
  { forgets }: Victims<Own>,
): boolean {
  const partsFromBroker = (name: string) => name === 'rabbitmq' || /^gateway-\d to rabbitmq$/.test(name)
  return forgets(victim, harm)
    ? schedule.some((fault) => partsFromBroker(fault.victim))
    : partsFromBroker(victim) && schedule.some((fault) => forgets(fault.victim, fault.harm))
}

// The control room is how a round opens its sale, and nothing of the sale passes through it.
const STRUCK_INSTANCES = INSTANCES.filter(({ name }) => name !== 'control-room').map(({ name }) => ({
  name,
  strikes: instanceStrikes(name),
}))

/** Of a shop with one server of each kind. */
export const VICTIMS: Victims<Servers> = {
  kinds: [
    SERVER_NAMES.map((name) => ({
      name,
      strikes: { ...SERVER_STRIKES[name], ...(name === 'redis' ? LOSSES_OF_MEMORY : {}) },
    })),
    STRUCK_INSTANCES,
    INSTANCES.flatMap(({ name, servers: needed }) =>
      needed.map((server) => ({ name: `${name} to ${server}`, strikes: linkStrikes(name, server) })),
    ),
  ],
  forgets: (_, harm) => harm in LOSSES_OF_MEMORY,
}

/** Of a shop whose servers are clusters. */
export const CLUSTER_VICTIMS: Victims<ClusterServers> = {
  kinds: [SERVER_NAMES.map((name) => ({ name, strikes: CLUSTER_STRIKES[name] })), STRUCK_INSTANCES],
  forgets: (victim, harm) => victim === 'redis' && mayForget(harm),
}

/** Resolves when the last fault is over. @throws when a fault could not be caused or ended */
export async function carryOut<Own extends AnyServers>(schedule: Fault<Own>[], shop: Shop<Own>): Promise<void> {
  const outcomes = await Promise.allSettled(
    schedule.map(async ({ atMs, holdMs, strike }) => {
      await sleep(atMs)
      await strike(shop, holdMs)
    }),
  )
  const failed = outcomes.findIndex(({ status }) => status === 'rejected')
  const { reason } = (outcomes[failed] ?? {}) as { reason?: unknown }
  if (failed >= 0)
    throw new Error(`Fault could not be caused or ended: ${describe(schedule[failed] as Fault<Own>)}`, {
      cause: reason,
    })
}

export const describe = ({ harm, victim, atMs, holdMs }: Omit<Fault, 'strike'>) =>
  `${harm} ${victim} (${(holdMs / 1_000).toFixed(1)} s, at ${(atMs / 1_000).toFixed(1)} s)`
