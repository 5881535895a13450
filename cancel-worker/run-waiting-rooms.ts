import type { Opening } from '../core/contracts/opening.ts'
import { attemptEach } from '../core/platform/process/attempt-each.ts'
import { failpoint } from '../core/platform/process/failpoint.ts'
import type { Logger } from '../core/platform/process/log.ts'
import type { Database } from '../core/platform/stores/database.ts'
import type { Stock } from '../core/stock/stock.ts'
import { numberOf, placeOfNumber } from '../core/waiting-room/order.ts'
import { type RoomRules, roomOf } from '../core/waiting-room/room-rules.ts'
import type { WaitingRoom } from '../core/waiting-room/waiting-room.ts'

/** Redis does nothing else meanwhile: some 2 ms in a line of 100,000. */
const SHUFFLED_TOGETHER_MAX = 200
/** Of one sale in one run; the next run takes the rest, so that other sales get their turn. */
const CALLS_MAX = 500

export interface WaitingRoomDeps {
  database: Database
  stock: Stock
  room: WaitingRoom
  log: Logger
  onAdmitted: (buyers: number) => void
}

interface SaleWithRoom {
  id: string
  seed: string
  opensAt: Date
  opening: Opening
  perBuyerLimit: number
}

/**
 * Gives those who came before the opening their places, and admits the next in line. It is the cancel worker's task
 * because the seed is PostgreSQL's until the opening. Any number of workers may do so: what is done stands in Redis,
 * and its clock decides how many are admitted.
 */
export async function runWaitingRooms(deps: WaitingRoomDeps): Promise<void> {
  const sales = await readSales(deps.database)
  if (sales.length === 0) return
  const nowMs = await deps.stock.clock.read()
  const opened = sales.filter(({ opensAt }) => opensAt.getTime() <= nowMs)
  await attemptEach(opened, async (sale) => {
    const rules = roomOf(sale.opening)
    if (rules && (await shuffle(deps, sale, rules))) await admit(deps, sale, rules)
  })
}

/** Those that are open or about to be; the clocks of PostgreSQL and Redis may differ. */
async function readSales(database: Database): Promise<SaleWithRoom[]> {
  return database.$queryRaw<SaleWithRoom[]>`
    SELECT id, opening_seed AS seed, opens_at AS "opensAt", opening, per_buyer_limit AS "perBuyerLimit" FROM sales
    WHERE opens_at < now() + interval '1 hour' AND closes_at > now() - interval '1 hour'
      AND (opening -> 'waitingRoom' IS NOT NULL OR opening -> 'draw' IS NOT NULL)`
}

/** @returns whether all who came before the opening have their places. */
async function shuffle({ room }: WaitingRoomDeps, { id, seed }: SaleWithRoom, rules: RoomRules): Promise<boolean> {
  for (let calls = 0; calls < CALLS_MAX; calls++) {
    const early = await room.earlyBuyers(id, SHUFFLED_TOGETHER_MAX)
    const places = early.map((buyerId) => ({ buyerId, place: placeOfNumber(numberOf(seed, buyerId)) }))
    const answer = await room.shuffle(id, seed, places, rules)
    if (answer !== 'MORE') return answer === 'SHUFFLED'
    failpoint('shuffling.betweenBatches')
  }
  return false
}

/** Pauses while no unit is left: units of unpaid orders come back. */
async function admit(
  { room, stock, log, onAdmitted }: WaitingRoomDeps,
  { id, perBuyerLimit }: SaleWithRoom,
  rules: RoomRules,
): Promise<void> {
  let hasMore = true
  for (let calls = 0; hasMore && calls < CALLS_MAX; calls++) {
    // Read before the units: a buyer who buys in between is counted twice, and one fewer is admitted.
    const { outstanding, inAll } = await room.countAdmissions(id)
    const left = (await stock.readSale(id))?.left ?? 0
    failpoint('admitting.beforeBatch')
    const batch = await room.admit(
      id,
      {
        perSecond: rules.perSecond,
        membersShare: rules.membersShare,
        admissionMs: 1_000 * rules.admissionSeconds,
        absentMs: rules.absentSeconds && 1_000 * rules.absentSeconds,
        keptMs: rules.keptSeconds && 1_000 * rules.keptSeconds,
      },
      { free: Math.max(0, most(rules, left, perBuyerLimit) - outstanding), admittedThen: inAll },
    )
    failpoint('admitting.afterBatch')
    if (batch.admitted > 0) onAdmitted(batch.admitted)
    if (batch.admitted + batch.absent > 0) log.debug({ saleId: id, ...batch }, 'buyers admitted from the line')
    hasMore = batch.hasMore
  }
}

/**
 * Admissions that may be outstanding: a draw keeps for each as many units as one buyer may have. When fewer are left, one
 * more buyer is admitted for them.
 */
function most({ isDraw, outstandingMax = Infinity }: RoomRules, left: number, perBuyerLimit: number): number {
  if (isDraw) return left < perBuyerLimit ? Math.min(left, 1) : Math.floor(left / perBuyerLimit)
  return left > 0 ? outstandingMax : 0
}
