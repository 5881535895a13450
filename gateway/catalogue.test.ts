import { Registry } from 'prom-client'
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { createLog } from '../core/platform/log.ts'
import { Loops } from '../core/platform/loops.ts'
import { eventually } from '../test/support/eventually.ts'
import { loadSale } from '../test/support/load-sale.ts'
import { createWorld, type World } from '../test/support/world.ts'
import { type Catalogue, startCatalogue } from './catalogue.ts'

let world: World
let catalogue: Catalogue
const figures = { epoch: 1, title: 'A sale', priceCents: 1, total: 5, left: 5, perBuyerLimit: 1, opensAtMs: 0, closesAtMs: Date.now() + 3_600_000 }

beforeAll(async () => { world = await createWorld() })
afterAll(() => world.close())
beforeEach(() => {
  catalogue = startCatalogue(world.stock, new Loops(createLog('test', 'silent'), new Registry()))
  return () => catalogue.close()
})

test('a sale that was loaded a moment ago is found at once, also in a crowd of ids that somebody made up', async () => {
  const madeUp = Array.from({ length: 500 }, (_, i) => catalogue.find(`made-up-${i}`))
  await loadSale(world, { ...figures, saleId: 'fresh' })
  const [fresh, ...rest] = await Promise.all([catalogue.find('fresh'), ...madeUp, catalogue.find('never')])
  expect(fresh).toMatchObject({ saleId: 'fresh', left: 5 })
  expect(rest.filter((sale) => sale !== undefined)).toEqual([])
})

test('ids that somebody made up are looked up together, and none of them is read', async () => {
  await catalogue.close() // So that only what is asked for here is counted.
  const saleIds = vi.spyOn(world.stock, 'saleIds')
  const readSale = vi.spyOn(world.stock, 'readSale')
  await Promise.all(Array.from({ length: 3_000 }, (_, i) => catalogue.find(`made-up-${i}`)))
  expect(saleIds.mock.calls.length).toBeLessThanOrEqual(3)
  expect(readSale).not.toHaveBeenCalled()
})

test('what cannot be an id is not looked up at all', async () => {
  await catalogue.close()
  const saleIds = vi.spyOn(world.stock, 'saleIds').mockClear()
  for (const id of ['', '-', 'A', '*', 'x'.repeat(33), 'a:b', '{a}']) expect(await catalogue.find(id)).toBeUndefined()
  expect(saleIds).not.toHaveBeenCalled()
})

test('an epoch that falls is not believed: Redis may have been set back', async () => {
  await loadSale(world, { ...figures, saleId: 'raised', epoch: 3 })
  await eventually('the sale', () => catalogue.known('raised'), (sale) => sale?.epoch === 3)
  await world.redis.hset(world.stock.keys.sale('raised'), { epoch: 1, stock: 4 })
  expect(await eventually('what Redis says now', () => catalogue.known('raised'), (sale) => sale?.left === 4)).toMatchObject({ epoch: 3 })
})
