import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Registry } from 'prom-client'
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import type { Request, Response } from 'express'
import type { SaleList, SaleView } from '../core/contracts/sales.ts'
import { createLog } from '../core/platform/process/log.ts'
import { Loops } from '../core/platform/process/loops.ts'
import { ProblemError } from '../core/platform/http/problem.ts'
import { createTokens } from '../core/platform/http/tokens.ts'
import { KEPT_AFTER_END_MS } from '../core/stock/sale-figures.ts'
import { eventually } from '../test/support/eventually.ts'
import { loadSale } from '../test/support/load-sale.ts'
import { createWorld, type World } from '../test/support/world.ts'
import { type Catalogue, startCatalogue } from './catalogue.ts'
import { readEpochs } from './epochs.ts'
import { getSales } from './routes/sales.ts'

let world: World
let catalogue: Catalogue
const figures = {
  epoch: 1,
  title: 'A sale',
  priceCents: 1,
  total: 5,
  left: 5,
  perBuyerLimit: 1,
  opensAtMs: 0,
  closesAtMs: Date.now() + 3_600_000,
}

beforeAll(async () => {
  world = await createWorld()
})
afterAll(() => world.close())
beforeEach(() => {
  catalogue = startCatalogue(world.stock, new Loops(createLog('test', 'silent'), new Registry()))
  return () => catalogue.close()
})

test('a sale that was loaded a moment ago is found at once, also among a flood of made-up ids', async () => {
  const madeUp = Array.from({ length: 500 }, (_, i) => catalogue.find(`made-up-${i}`))
  await loadSale(world, { ...figures, saleId: 'fresh' })
  const [fresh, ...rest] = await Promise.all([catalogue.find('fresh'), ...madeUp, catalogue.find('never')])
  expect(fresh).toMatchObject({ saleId: 'fresh', left: 5 })
  expect(rest.filter((sale) => sale !== undefined)).toEqual([])
})

test('made-up ids are looked up together, and none of them is read', async () => {
  await catalogue.close() // So that only what is asked for here is counted.
  const isLoaded = vi.spyOn(world.stock.loaded, 'has')
  const readSale = vi.spyOn(world.stock, 'readSale')
  await Promise.all(Array.from({ length: 3_000 }, (_, i) => catalogue.find(`made-up-${i}`)))
  expect(isLoaded.mock.calls.length).toBeLessThanOrEqual(3)
  expect(readSale).not.toHaveBeenCalled()
})

test('what cannot be an id is not looked up at all', async () => {
  await catalogue.close()
  const isLoaded = vi.spyOn(world.stock.loaded, 'has').mockClear()
  for (const id of ['', '-', 'A', '*', 'x'.repeat(33), 'a:b', '{a}']) expect(await catalogue.find(id)).toBeUndefined()
  expect(isLoaded).not.toHaveBeenCalled()
})

test('an epoch that PostgreSQL has raised holds, also while Redis has an earlier one', async () => {
  await loadSale(world, { ...figures, saleId: 'taken-over' })
  await eventually(
    'the sale',
    () => catalogue.known('taken-over'),
    (sale) => sale?.epoch === 1,
  )
  const orderService = createServer((_req, res) => res.end(JSON.stringify({ epochs: { 'taken-over': 2, other: 1 } })))
  await new Promise<void>((resolve) => orderService.listen(0, '127.0.0.1', resolve))
  const { port } = orderService.address() as AddressInfo
  const read = readEpochs(`http://127.0.0.1:${port}`, catalogue, createLog('test', 'silent'))
  expect(await read()).toEqual({ 'taken-over': 2, other: 1 })
  expect(catalogue.known('taken-over')?.epoch).toBe(2)
  const { left } = await eventually(
    'the sale to be read again',
    () => world.redis.hset(world.stock.keys.sale('taken-over'), 'stock', 4).then(() => catalogue.known('taken-over')),
    (sale) => sale?.left === 4,
  ).then((sale) => sale ?? { left: undefined })
  expect([left, catalogue.known('taken-over')?.epoch]).toEqual([4, 2])

  await new Promise((resolve) => orderService.close(resolve))
  expect(await read()).toEqual({})
})

test('an epoch that falls is not believed: Redis may have been set back', async () => {
  await loadSale(world, { ...figures, saleId: 'raised', epoch: 3 })
  await eventually(
    'the sale',
    () => catalogue.known('raised'),
    (sale) => sale?.epoch === 3,
  )
  await world.redis.hset(world.stock.keys.sale('raised'), { epoch: 1, stock: 4 })
  expect(
    await eventually(
      'what Redis says now',
      () => catalogue.known('raised'),
      (sale) => sale?.left === 4,
    ),
  ).toMatchObject({ epoch: 3 })
})

test('2,000 sales come page by page: those that are not over first, none is missed, and none comes twice', async () => {
  const hourMs = 3_600_000
  const nowMs = Date.now()
  await loadSale(world, { ...figures, saleId: 'copied' })
  const template = await world.redis.hgetall(world.stock.keys.sale('copied'))
  const copies = world.redis.pipeline()
  /** Every fifth is over. Several end at the same moment. */
  const endOf = (i: number) => nowMs + (i % 5 === 0 ? -hourMs : hourMs) + Math.floor(i / 50)
  for (let i = 0; i < 2_000; i++) {
    copies.hset(world.stock.keys.sale(`many-${i}`), { ...template, closes_at_ms: endOf(i) })
    copies.zadd(world.stock.keys.sales(), endOf(i) + KEPT_AFTER_END_MS, `many-${i}`)
  }
  await copies.exec()
  catalogue.readAgain()
  const all = await eventually(
    'all of them',
    () => catalogue.page(undefined, Infinity),
    (sales) => sales.filter(({ saleId }) => saleId.startsWith('many-')).length === 2_000,
    60_000,
  )
  const seen: SaleView[] = []
  let next: string | undefined = ''
  for (let page = 0; next !== undefined; page++) {
    const list = await pageOf(next === '' ? {} : { cursor: next, limit: '200' })
    expect(list.sales.length).toBe(page === 0 ? 100 : Math.min(200, all.length - seen.length))
    seen.push(...list.sales)
    next = list.next
  }
  expect(seen.map(({ id }) => id)).toEqual(all.map(({ saleId }) => saleId))
  const isOver = seen.map(({ closesAt }) => Date.parse(closesAt) <= Date.now())
  expect(isOver.lastIndexOf(false)).toBeLessThan(isOver.indexOf(true))
  for (const query of [
    { limit: '0' },
    { limit: '1e1' },
    { limit: '201' },
    { cursor: 'no cursor' },
    { cursor: 'e30' },
    { cursor: ['a', 'b'] },
  ]) {
    await expect(pageOf(query), JSON.stringify(query)).rejects.toThrow(ProblemError)
  }
})

test('of 1,000 sales a refresh reads the near ones, those asked for or changed, and 50 others', async () => {
  const crowded = await createWorld()
  const hourMs = 3_600_000
  const later = { opensAtMs: Date.now() + hourMs, closesAtMs: Date.now() + 2 * hourMs }
  const all = Array.from({ length: 1_000 }, (_, i) => `sale-${i}`)
  const nearIds = all.slice(0, 10)
  await Promise.all(
    all.map((saleId) => loadSale(crowded, { ...figures, ...(nearIds.includes(saleId) ? {} : later), saleId })),
  )
  const refreshed = vi.spyOn(crowded.stock.clock, 'sync')
  const read = vi.spyOn(crowded.stock, 'readSale')
  const many = startCatalogue(crowded.stock, new Loops(createLog('test', 'silent'), new Registry()))
  onTestFinished(async () => {
    await many.close()
    await crowded.close()
  })
  const idsOf = (refresh: number) => {
    const at = refreshed.mock.invocationCallOrder[refresh] ?? Infinity
    const until = refreshed.mock.invocationCallOrder[refresh + 1] ?? Infinity
    const calls = read.mock.calls.map(([saleId], i) => ({ saleId, order: read.mock.invocationCallOrder[i] ?? 0 }))
    return calls.filter(({ order }) => at < order && order < until).map(({ saleId }) => saleId)
  }
  const refreshes = (count: number) =>
    eventually(
      'refreshes',
      () => refreshed.mock.calls.length,
      (calls) => calls > count,
    )
  await refreshes(1)
  expect(idsOf(0)).toHaveLength(1_000)
  expect(
    many
      .near()
      .map(({ saleId }) => saleId)
      .sort(),
  ).toEqual([...nearIds].sort())
  const begun = refreshed.mock.calls.length
  await refreshes(begun + 1)
  expect(idsOf(begun)).toEqual(expect.arrayContaining(nearIds))
  expect(new Set(idsOf(begun)).size).toBeLessThanOrEqual(60)

  const { loaded } = crowded.stock
  const list = loaded.some.bind(loaded)
  // In the middle of a refresh: they are read with the next.
  vi.spyOn(loaded, 'some').mockImplementationOnce(async (...range) => {
    const listed = await list(...range)
    many.readAgain('sale-900')
    for (const saleId of all.slice(400)) many.known(saleId)
    return listed
  })
  const next = refreshed.mock.calls.length
  await refreshes(next + 2)
  const seen = [...idsOf(next - 1), ...idsOf(next), ...idsOf(next + 1)]
  expect(seen).toEqual(expect.arrayContaining([...nearIds, 'sale-900', 'sale-400', 'sale-449']))
  expect(idsOf(next).length).toBeLessThanOrEqual(10 + 1 + 50 + 50)
})

test('a sale that is moved to now is near within a second or two, and its epoch is known', async () => {
  const later = { opensAtMs: Date.now() + 3_600_000, closesAtMs: Date.now() + 7_200_000 }
  await loadSale(world, { ...figures, ...later, saleId: 'moved' })
  catalogue.readAgain('moved')
  await eventually(
    'the sale',
    () => catalogue.page(undefined, Infinity).map(({ saleId }) => saleId),
    (saleIds) => saleIds.includes('moved'),
  )
  expect(catalogue.near().map(({ saleId }) => saleId)).not.toContain('moved')
  await world.redis.hset(world.stock.keys.sale('moved'), { opens_at_ms: Date.now() - 1_000, epoch: 2 })
  catalogue.readAgain('moved')
  await eventually(
    'it to be near',
    () => catalogue.near(),
    (near) => near.some(({ saleId, epoch }) => saleId === 'moved' && epoch === 2),
  )
})

async function pageOf(query: object): Promise<SaleList> {
  const answers: SaleList[] = []
  const response = { json: (body: SaleList) => answers.push(body), vary: () => {} }
  await getSales({ catalogue, tokens: createTokens('x'.repeat(32)), currency: 'CNY' })(
    { query, headers: {} } as Request,
    response as unknown as Response,
    () => {},
  )
  const [list] = answers
  if (!list) throw new Error('Expected an answer')
  return list
}
