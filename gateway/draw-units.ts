import { setTimeout as sleep } from 'node:timers/promises'
import { Batcher } from '../core/platform/batches/batcher.ts'
import type { Logger } from '../core/platform/process/log.ts'
import type { Moves, Sharded, ShardStocks } from '../core/stock/moves.ts'
import { planBalance, type PlannedMove, planMoves } from '../core/stock/plan-moves.ts'
import type { ReserveOutcome, ReserveRequest } from '../core/stock/reserving.ts'
import type { SaleFigures } from '../core/stock/sale-figures.ts'
import { shardOf } from '../core/stock/shards.ts'
import type { Reserve } from './reserve-in-batches.ts'

/** A process that dies keeps the turn for so long. */
const TURN_MS = 1_000
const ASK_AGAIN_MS = 10
/** How long a buyer waits for units of other shards. */
const PATIENCE_MS = 2_000
const DRAWN_TOGETHER_MAX = 200

interface Dry {
  sale: SaleFigures
  request: ReserveRequest
}

/** Undefined for a buyer whose units were taken by others, or who did not get a turn: they may try again. */
type Drawn = ReserveOutcome | undefined

/**
 * Before a buyer is told that their shard has too few units, draws units from the other shards and asks once more. What
 * SOLD_OUT says is left is then what the whole sale has.
 */
export function drawWhenDry(reserve: Reserve, moves: Moves): Reserve {
  /** By sale. One draw of a sale at a time; those who come meanwhile share the next. */
  const draws = new Map<string, Batcher<Dry, Drawn>>()
  function drawsOf(saleId: string): Batcher<Dry, Drawn> {
    const run = (batch: Dry[]) => drawTogether(moves, reserve, batch)
    const known = draws.get(saleId) ?? new Batcher({ itemsMax: DRAWN_TOGETHER_MAX, batchesMax: 1, run })
    draws.set(saleId, known)
    return known
  }
  return async (sale, request) => {
    const outcome = await reserve(sale, request)
    if (outcome.status !== 'SOLD_OUT' || sale.shards === undefined) return outcome
    const untilMs = performance.now() + PATIENCE_MS
    while (performance.now() < untilMs) {
      const drawn = await drawsOf(sale.saleId).add({ sale, request })
      if (drawn) return drawn
    }
    // Units may be left, so this is no SOLD_OUT.
    return { status: 'BUSY' }
  }
}

/** For buyers of one sale, in their order. */
async function drawTogether(moves: Moves, reserve: Reserve, dry: Dry[]): Promise<Drawn[]> {
  const sale = dry[0]?.sale
  const found = sale && (await moves.read(sale))
  if (!found) return dry.map(() => ({ status: 'UNAVAILABLE' }))
  // Without the turn, since after the last unit all buyers come by here.
  if (dry.every(({ request }) => request.quantity > found.left))
    return dry.map(() => ({ status: 'SOLD_OUT', left: found.left }))
  const giveBack = await waitForTurn(moves, sale)
  if (!giveBack) return dry.map(() => undefined)
  try {
    const now = await readCompleted(moves, sale)
    if (!now) return dry.map(() => ({ status: 'UNAVAILABLE' }))
    const plan = planMoves(now.stocks, dry.map(wantOf))
    await moveInTurn(moves, sale, plan.moves)
    // With the turn, so that no other process draws the units away before these buyers have reserved them.
    return await Promise.all(
      dry.map(async ({ sale: theirs, request }, i): Promise<Drawn> => {
        if (!plan.served[i]) return { status: 'SOLD_OUT', left: plan.left }
        const outcome = await reserve(theirs, request)
        return outcome.status === 'SOLD_OUT' ? undefined : outcome
      }),
    )
  } finally {
    // An error would take their outcomes from the buyers; a turn that is not given back lapses.
    await giveBack().catch(() => {})
  }
}

const wantOf = ({ sale: { shards }, request: { buyerId, quantity } }: Dry) => ({
  shard: shardOf(buyerId, shards),
  quantity,
})

/** With the turn, a move that is found was left behind by a process that has died, or has lost its turn. */
async function readCompleted(moves: Moves, sale: Sharded): Promise<ShardStocks | undefined> {
  const found = await moves.read(sale)
  if (!found || found.moves.length === 0) return found
  for (const move of found.moves) await moves.complete(sale, move)
  return moves.read(sale)
}

/** Undefined when the turn cannot be had in time. */
async function waitForTurn(moves: Moves, sale: Sharded): Promise<(() => Promise<void>) | undefined> {
  const untilMs = performance.now() + PATIENCE_MS
  for (;;) {
    const giveBack = await moves.takeTurn(sale, TURN_MS)
    if (giveBack || performance.now() > untilMs) return giveBack
    await sleep(ASK_AGAIN_MS * (1 + Math.random()))
  }
}

/**
 * One move after the other, since a shard may give what it has just got, and at least one. After a turn's time the
 * rest is left to the next turn: another process may move units meanwhile, and with a slow Redis the buyers would wait
 * for all.
 */
async function moveInTurn(moves: Moves, sale: Sharded, planned: PlannedMove[]): Promise<void> {
  const untilMs = performance.now() + TURN_MS
  for (const { from, to, units } of planned) {
    await moves.move(sale, from, to, units)
    if (performance.now() > untilMs) return
  }
}

/**
 * Brings units to shards that are running low, before their buyers have to wait for it. @throws when Redis does not
 * answer
 */
export async function balanceShards(
  { moves, log }: { moves: Moves; log: Logger },
  sales: SaleFigures[],
  nowMs: number,
): Promise<void> {
  const open = sales.filter(({ shards, opensAtMs, closesAtMs }) => shards && opensAtMs <= nowMs && nowMs < closesAtMs)
  for (const sale of open) {
    const found = await moves.read(sale)
    if (!found || planBalance(found.stocks).length === 0) continue
    const giveBack = await moves.takeTurn(sale, TURN_MS)
    if (!giveBack) continue
    try {
      const planned = planBalance((await readCompleted(moves, sale))?.stocks ?? [])
      await moveInTurn(moves, sale, planned)
      log.debug({ saleId: sale.saleId, moves: planned }, 'units moved between shards')
    } finally {
      await giveBack()
    }
  }
}
