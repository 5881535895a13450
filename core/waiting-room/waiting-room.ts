import type { RedisClient } from '../platform/stores/redis.ts'
import type { LineCounts } from '../contracts/control-room.ts'
import { StockKeys } from '../stock/keys.ts'
import { numberOfPlace } from './order.ts'
import { scriptsOn } from './scripts.ts'

/** In one room, absent people included: some 300 MB of Redis. */
const PEOPLE_MAX = 1_000_000
/** Redis does nothing else meanwhile: some 4 ms in a line of 100,000. */
const STEPS_MAX = 200
/**
 * A line that was lost with Redis begins anew with all who come back within so long. Who waits in a room is there; who
 * takes part in a draw need not be.
 */
const GATHER_MS = { room: 10_000, draw: 600_000 }
/** Unused admissions of a rate are made up for over so long, so that a late run admits no rush. */
const BATCH_MS = 1_000

/** Where a buyer stands. */
export type Standing =
  | { state: 'REGISTERED' }
  /**
   * `ahead` are those in front in the same line; the number is that of a buyer who came before the opening (order.ts).
   */
  | { state: 'WAITING'; ahead: number; number: string | undefined; isMember: boolean }
  | { state: 'ADMITTED'; untilMs: number }
  /** They have no place; CLOSED when a draw takes no other. */
  | { state: 'FULL' | 'CLOSED' | 'BLACKLISTED' }

export interface RoomFigures {
  /** Names the line: another one when it had to begin anew. */
  line: string
  /** When those who came before the opening got their places. */
  shuffledAtMs: number | undefined
  registered: number
  waiting: number
  /** Of those who wait: in the members' line. */
  members: number
  absent: number
  /** Admissions, as measured. */
  perSecond: number | undefined
  /** Published from the shuffle on. */
  seed: string | undefined
}

/** How many are admitted, and what becomes of those who are absent. */
export interface AdmissionRules {
  perSecond?: number | undefined
  /** Percent of the admissions that members get while others wait as well; without, one order for all. */
  membersShare?: number | undefined
  admissionMs: number
  /** Without, buyers need not be present. */
  absentMs?: number | undefined
  keptMs?: number | undefined
}

export interface Attending {
  buyerId: string
  /** They take their place in the members' line. */
  isMember?: boolean
}

/** The waiting room of a sale in Redis. Every method throws when Redis does not answer in time. */
export class WaitingRoom {
  readonly #keys: StockKeys
  readonly #redis: RedisClient
  readonly #scripts: ReturnType<typeof scriptsOn>

  constructor(redis: RedisClient, keyPrefix: string) {
    this.#keys = new StockKeys(keyPrefix)
    this.#redis = redis
    this.#scripts = scriptsOn(redis)
  }

  /**
   * Takes signs of life, and tells each buyer where they stand; one without a place takes one. Undefined when the sale
   * is not loaded.
   */
  async attend(
    saleId: string,
    buyers: Attending[],
    { isDraw = false, peopleMax = PEOPLE_MAX }: { isDraw?: boolean; peopleMax?: number } = {},
  ): Promise<{ room: RoomFigures; standings: Standing[] } | undefined> {
    const keys = this.#keys
    const [room, ...standings] = await this.#scripts.attend({
      keys: [
        keys.sale(saleId),
        keys.room(saleId),
        keys.early(saleId),
        keys.earlyMembers(saleId),
        keys.line(saleId),
        keys.members(saleId),
        keys.seen(saleId),
        keys.away(saleId),
        keys.kept(saleId),
        keys.admitted(saleId),
        keys.blacklist(saleId),
      ],
      args: [peopleMax, gatherMs(isDraw), isDraw ? 1 : 0],
      items: buyers.map(({ buyerId, isMember }) => ({ args: [buyerId, isMember ? 1 : 0] })),
    })
    return room === undefined ? undefined : { room: readRoom(room), standings: standings.map(readStanding) }
  }

  /** Buyers who came before the opening and have no place yet. */
  async earlyBuyers(saleId: string, most: number): Promise<string[]> {
    return this.#redis.zrange(this.#keys.early(saleId), 0, String(most - 1))
  }

  /** Gives some of them their places; SHUFFLED when no other is left, and from then on. */
  async shuffle(
    saleId: string,
    seed: string,
    places: { buyerId: string; place: number }[],
    { isDraw = false }: { isDraw?: boolean } = {},
  ): Promise<'NOT_YET' | 'MORE' | 'SHUFFLED'> {
    const keys = this.#keys
    return this.#scripts.shuffle({
      keys: [
        keys.sale(saleId),
        keys.room(saleId),
        keys.early(saleId),
        keys.earlyMembers(saleId),
        keys.line(saleId),
        keys.members(saleId),
        keys.seen(saleId),
      ],
      args: [seed, gatherMs(isDraw)],
      items: places.map(({ buyerId, place }) => ({ args: [buyerId, place] })),
    })
  }

  /** Admissions of buyers who have not bought yet and may still do so, and how many there were in all. */
  async countAdmissions(saleId: string): Promise<{ outstanding: number; inAll: number }> {
    const [inAll, outstanding] = await Promise.all([
      this.#redis.hmget(this.#keys.room(saleId), 'admitted'),
      this.#redis.zcard(this.#keys.outstanding(saleId)),
    ])
    return { outstanding, inAll: Number(inAll[0] ?? 0) }
  }

  /**
   * Admits as many as the rules allow.
   * @param free admissions that there is room for, counted when `admittedThen` had been admitted; without, any number
   */
  async admit(
    saleId: string,
    { perSecond, membersShare, admissionMs, absentMs, keptMs }: AdmissionRules,
    { free, admittedThen = 0, stepsMax = STEPS_MAX }: { free?: number; admittedThen?: number; stepsMax?: number } = {},
  ): Promise<{ admitted: number; absent: number; hasMore: boolean }> {
    const keys = this.#keys
    const intervalMs = perSecond === undefined ? 0 : 1_000 / perSecond
    const [admitted, absent, hasMore] = await this.#scripts.admit({
      keys: [
        keys.sale(saleId),
        keys.room(saleId),
        keys.line(saleId),
        keys.members(saleId),
        keys.seen(saleId),
        keys.away(saleId),
        keys.kept(saleId),
        keys.admitted(saleId),
        keys.outstanding(saleId),
        keys.blacklist(saleId),
      ],
      args: [
        intervalMs,
        Math.max(BATCH_MS, intervalMs),
        free ?? '',
        admittedThen,
        admissionMs,
        absentMs ?? '',
        keptMs ?? 0,
        membersShare ?? '',
        stepsMax,
      ],
    })
    return { admitted, absent, hasMore: hasMore === 1 }
  }

  /** For operators. */
  async readCounts(saleId: string): Promise<LineCounts> {
    const keys = this.#keys
    const count = (key: string) => this.#redis.zcard(key)
    const [registered, others, members, absent, outstanding, [perSecond, admitted]] = await Promise.all([
      count(keys.early(saleId)),
      count(keys.line(saleId)),
      count(keys.members(saleId)),
      count(keys.away(saleId)),
      count(keys.outstanding(saleId)),
      this.#redis.hmget(keys.room(saleId), 'per_second', 'admitted'),
    ])
    const waiting = others + members
    const figures = { registered, waiting, members, absent, outstanding, admitted: Number(admitted ?? 0) }
    return { ...figures, perSecond: perSecond ? Number(perSecond) : null }
  }

  /** Undefined before the shuffle. */
  async readSeed(saleId: string): Promise<string | undefined> {
    const [seed] = await this.#redis.hmget(this.#keys.room(saleId), 'seed')
    return seed ?? undefined
  }

  /** They have bought: their admission makes room for another. */
  async bought(saleId: string, buyerIds: string[]): Promise<void> {
    await this.#redis.zrem(this.#keys.outstanding(saleId), ...buyerIds)
  }
}

const gatherMs = (isDraw: boolean) => (isDraw ? GATHER_MS.draw : GATHER_MS.room)

function readRoom(text: string): RoomFigures {
  const [line = '', shuffledAt, registered, waiting, members, absent, perSecond, seed] = text.split(' ')
  return {
    line,
    shuffledAtMs: shuffledAt ? Number(shuffledAt) : undefined,
    registered: Number(registered),
    waiting: Number(waiting),
    members: Number(members),
    absent: Number(absent),
    perSecond: perSecond ? Number(perSecond) : undefined,
    seed: seed || undefined,
  }
}

function readStanding(text: string): Standing {
  const [state, first, second, third] = text.split(' ')
  switch (state) {
    case 'WAITING':
      return { state, ahead: Number(first), number: numberOfPlace(Number(second)), isMember: third === '1' }
    case 'ADMITTED':
      return { state, untilMs: Number(first) }
    case 'REGISTERED':
    case 'FULL':
    case 'CLOSED':
    case 'BLACKLISTED':
      return { state }
    default:
      throw new Error(`attend.lua: expected a state, got ${text}`)
  }
}
