import { setTimeout as sleep } from 'node:timers/promises'
import { Random } from '../support/random.ts'
import { SERVER_NAMES } from '../support/servers.ts'
import { INSTANCES } from '../support/settings.ts'
import type { Shop } from '../support/shop.ts'
import { instanceStrikes, linkStrikes, LOSSES_OF_MEMORY, SERVER_STRIKES, type Strike } from './strikes.ts'

/** Faults begin while buyers arrive, and not before some of them have. */
const FIRST_AT_MS = 500
const LAST_AT_MS = 7_000
const HELD_MS = { least: 200, most: 4_000 }
const FAULTS = { least: 3, most: 6 }
const DOUBLE_CHANCE = 0.15

export interface Fault {
  victim: string
  /** The kind of fault. */
  harm: string
  atMs: number
  holdMs: number
  strike: Strike
}

interface Victim {
  name: string
  strikes: Record<string, Strike>
}

/**
 * The same seed is the same schedule. Each victim is struck once in a round, so that faults overlap but never undo each
 * other.
 */
export function drawSchedule(seed: number): Fault[] {
  const random = new Random(seed)
  const kinds = victims()
  const schedule: Fault[] = []
  let atMs = 0
  for (let left = random.between(FAULTS.least, FAULTS.most); left > 0; left--) {
    const spared = kinds
      .map((kind) => kind.filter((victim) => harmsLeft(schedule, victim).length > 0))
      .filter((kind) => kind.length > 0)
    // By kind first: there are twice as many links as anything else.
    const victim = random.pick(random.pick(spared))
    const harm = random.pick(harmsLeft(schedule, victim))
    const isDouble = schedule.length > 0 && random.chance(DOUBLE_CHANCE)
    if (!isDouble) atMs = random.between(FIRST_AT_MS, LAST_AT_MS)
    schedule.push({
      victim: victim.name,
      harm,
      atMs,
      holdMs: random.between(HELD_MS.least, HELD_MS.most),
      strike: victim.strikes[harm] as Strike,
    })
  }
  return schedule.toSorted((one, other) => one.atMs - other.atMs)
}

function harmsLeft(schedule: Fault[], { name, strikes }: Victim): string[] {
  if (schedule.some((fault) => fault.victim === name)) return []
  return Object.keys(strikes).filter((harm) => !isTooMuch(schedule, name, harm))
}

/**
 * Unconfirmed reservations exist in Redis only. When the broker is unreachable and Redis loses data, they are lost: the
 * only pair of simultaneous faults that is not promised to be survived (see docs/reliability.md).
 */
function isTooMuch(schedule: Fault[], victim: string, harm: string): boolean {
  const forgets = (harms: string) => harms in LOSSES_OF_MEMORY
  const partsFromBroker = (name: string) => name === 'rabbitmq' || /^gateway-\d to rabbitmq$/.test(name)
  return forgets(harm)
    ? schedule.some((fault) => partsFromBroker(fault.victim))
    : partsFromBroker(victim) && schedule.some((fault) => forgets(fault.harm))
}

function victims(): Victim[][] {
  const servers = SERVER_NAMES.map((name) => ({
    name,
    strikes: { ...SERVER_STRIKES[name], ...(name === 'redis' ? LOSSES_OF_MEMORY : {}) },
  }))
  // The control room is how a round opens its sale, and nothing of the sale passes through it.
  const instances = INSTANCES.filter(({ name }) => name !== 'control-room').map(({ name }) => ({
    name,
    strikes: instanceStrikes(name),
  }))
  const links = INSTANCES.flatMap(({ name, servers: needed }) =>
    needed.map((server) => ({ name: `${name} to ${server}`, strikes: linkStrikes(name, server) })),
  )
  return [servers, instances, links]
}

/** Resolves when the last fault is over. @throws when a fault could not be caused or ended */
export async function carryOut(schedule: Fault[], shop: Shop): Promise<void> {
  const outcomes = await Promise.allSettled(
    schedule.map(async ({ atMs, holdMs, strike }) => {
      await sleep(atMs)
      await strike(shop, holdMs)
    }),
  )
  const failed = outcomes.findIndex(({ status }) => status === 'rejected')
  const { reason } = (outcomes[failed] ?? {}) as { reason?: unknown }
  if (failed >= 0)
    throw new Error(`Fault could not be caused or ended: ${describe(schedule[failed] as Fault)}`, { cause: reason })
}

export const describe = ({ harm, victim, atMs, holdMs }: Fault) =>
  `${harm} ${victim} (${(holdMs / 1_000).toFixed(1)} s, at ${(atMs / 1_000).toFixed(1)} s)`
