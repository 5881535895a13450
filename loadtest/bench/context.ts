import type { Stock } from '../../core/stock/stock.ts'
import type { ControlRoom } from './control-room.ts'
import type { Generator } from './generator.ts'
import type { NaiveShop } from './naive-shop.ts'
import type { BenchOptions } from './results.ts'
import type { BenchSystem } from './system.ts'

/** What every measure works with. */
export interface Bench {
  options: BenchOptions
  system: BenchSystem
  generator: Generator
  controlRoom: ControlRoom
  stock: Stock
  naive: NaiveShop
  hello: { url: string }
  /** How many were told 202 in each of our sales, to be held against the audit. */
  accepted: Map<string, number>
  unexpected: string[]
}
