/** What a buyer asks of their shard. */
export interface Want {
  shard: number
  quantity: number
}

export interface PlannedMove {
  from: number
  to: number
  units: number
}

/**
 * Plans the moves by which shards get the units that are asked of them, first come first served, each from the fullest
 * one; and whether each want can be served at all. A source with many more units than the target gives half of the
 * difference, so that a shard draws seldom; at the end it gives no more than is needed.
 */
export function planMoves(stocks: number[], wants: Want[]): { moves: PlannedMove[]; served: boolean[]; left: number } {
  const free = [...stocks]
  const moves: PlannedMove[] = []
  const inShard = (shard: number) => free[shard] ?? 0
  const sum = () => free.reduce((total, units) => total + units, 0)

  function draw(from: number, to: number, needed: number): void {
    const half = Math.floor((inShard(from) - inShard(to)) / 2)
    const units = Math.min(inShard(from), Math.max(needed, half))
    free[from] = inShard(from) - units
    free[to] = inShard(to) + units
    const earlier = moves.find((move) => move.from === from && move.to === to)
    if (earlier) earlier.units += units
    else moves.push({ from, to, units })
  }

  const served = wants.map(({ shard, quantity }) => {
    if (sum() < quantity) return false
    while (inShard(shard) < quantity) draw(fullest(free, shard), shard, quantity - inShard(shard))
    free[shard] = inShard(shard) - quantity
    return true
  })
  return { moves, served, left: sum() }
}

/** The moves that bring units to shards with less than half of what they would have if all had the same. */
export function planBalance(stocks: number[]): PlannedMove[] {
  const average = stocks.reduce((sum, units) => sum + units, 0) / stocks.length
  const wants = stocks.flatMap((units, shard) => (units < average / 2 ? [{ shard, quantity: units + 1 }] : []))
  return average < BALANCED_FROM ? [] : planMoves(stocks, wants).moves
}

/** Units in a shard on average. With fewer, units move only for a buyer who asks for them. */
const BALANCED_FROM = 10

function fullest(stocks: number[], without: number): number {
  const others = stocks.map((units, shard) => ({ units, shard })).filter(({ shard }) => shard !== without)
  return others.reduce((most, other) => (other.units > most.units ? other : most)).shard
}
