import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { loadSale } from '../../test/support/load-sale.ts'
import { type RedisUser, redisUser } from '../../test/support/redis-user.ts'
import { generous, reserveOne } from '../../test/support/reserve-one.ts'
import { snapshotOf } from '../../test/support/snapshot-of.ts'
import { createWorld, type World } from '../../test/support/world.ts'
import { orderIdOf } from '../contracts/order-id.ts'
import { redisCheck } from '../platform/stores/redis-check.ts'
import type { SaleFigures } from './sale-figures.ts'
import { ledgerRights } from './rights.ts'
import { SaleAdmin } from './sale-admin.ts'
import { Stock } from './stock.ts'

let world: World
let user: RedisUser
let limited: Redis
beforeAll(async () => {
  world = await createWorld()
  user = await redisUser(world)
  limited = new Redis(user.url)
})
// Rules may only be added in the order in which Redis reads them, so each test begins with all rights.
beforeEach(() => user.reset())
afterAll(async () => {
  limited.disconnect()
  await user.drop()
  await world.close()
})

const unnamed = { key: null, couponCode: null, points: null, lapsedAtMs: null }
const ended = { giveBack: true } as const
const patient = { ...generous, patienceMs: 60_000 }
interface Wrappers {
  stock: Stock
  saleAdmin: SaleAdmin
}
const over = (redis: Redis): Wrappers => ({
  stock: new Stock(redis, world.keyPrefix),
  saleAdmin: new SaleAdmin(redis, world.keyPrefix),
})
const reservation = ({ saleId }: SaleFigures, buyerId: string) => ({
  saleId,
  reservationId: `${saleId}.${buyerId}`,
  buyerId,
  quantity: 1,
})
const closed = ({ left: _, ...sale }: SaleFigures, epoch = sale.epoch) => ({ ...sale, epoch })
const order = (sale: SaleFigures, buyerId: string) => ({
  reservationId: `${sale.saleId}.${buyerId}`,
  buyerId,
  orderId: orderIdOf(`${sale.saleId}.${buyerId}`),
})

interface Call {
  /** What is done to the sale before. */
  before?: (sale: SaleFigures, own: Wrappers) => Promise<unknown>
  call: (sale: SaleFigures, on: Wrappers) => Promise<unknown>
}

/** Everything that writes more than one thing. */
const calls: Record<string, Call> = {
  reserve: {
    call: (sale, { stock }) =>
      reserveOne(stock, sale, { ...reservation(sale, 'dora'), wishes: { points: 1 } }, patient),
  },
  settle: {
    call: (sale, { stock }) => stock.settle(sale.saleId, 'ORDERED', [order(sale, 'ann'), order(sale, 'bob')]),
  },
  refuse: {
    call: (sale, { stock }) =>
      stock.release(reservation(sale, 'ann'), { ...ended, status: 'REJECTED', reason: 'BUSY' }),
  },
  cancel: {
    before: (sale, { stock }) => stock.settle(sale.saleId, 'ORDERED', [order(sale, 'ann')]),
    call: (sale, { stock }) =>
      stock.release(reservation(sale, 'ann'), { ...ended, status: 'CANCELLED', reason: 'UNPAID' }),
  },
  'refuse a forgotten one': {
    call: (sale, { stock }) =>
      stock.release(reservation(sale, 'nobody'), { ...ended, status: 'REJECTED', reason: 'EXPIRED' }),
  },
  claim: { call: (sale, { stock }) => stock.claimPending(sale.saleId, 0, 10) },
  adjust: { call: (sale, { saleAdmin }) => saleAdmin.adjust(sale.saleId, 1, 1) },
  amend: {
    call: (sale, { saleAdmin }) =>
      saleAdmin.amend({
        ...closed(sale),
        total: sale.total + 1,
        title: 'Another title',
        closesAtMs: sale.closesAtMs + 1_000,
      }),
  },
  list: { call: (sale, { saleAdmin }) => saleAdmin.setBlacklisted(sale.saleId, ['dora', 'eve'], true) },
  unlist: { call: (sale, { saleAdmin }) => saleAdmin.setBlacklisted(sale.saleId, ['banned'], false) },
  leave: { call: (sale, { saleAdmin }) => saleAdmin.moves.leave(sale, 0, 1, 2) },
  arrive: {
    call: (sale, { saleAdmin }) => saleAdmin.moves.arrive(sale, { from: 1, to: 0, sequence: '1', units: 2 }),
  },
  noteReconciled: { call: (sale, { saleAdmin }) => saleAdmin.noteReconciled(sale.saleId, 1) },
  refill: {
    before: (sale, { saleAdmin }) => saleAdmin.close(closed(sale, 2)),
    call: (sale, { saleAdmin }) =>
      saleAdmin.refill(closed(sale, 2), [
        {
          ...reservation(sale, 'ann'),
          ...order(sale, 'ann'),
          orderId: 'order of ann',
          status: 'PAID',
          reason: null,
          reservedAtMs: 1,
          ...unnamed,
        },
      ]),
  },
  adopt: { call: (sale, { saleAdmin }) => saleAdmin.adopt(sale.saleId, 2, 1, [1]) },
  close: { call: (sale, { saleAdmin }) => saleAdmin.close(closed(sale, 2)) },
  open: {
    before: (sale, { saleAdmin }) => saleAdmin.close(closed(sale, 2)),
    call: (sale, { saleAdmin }) => saleAdmin.open(sale.saleId, 2, 3),
  },
}

let made = 0
/** A sale with two reservations, before one of the calls. */
async function saleFor(name: string): Promise<SaleFigures> {
  const sale: SaleFigures = {
    saleId: `rights-${made++}`,
    epoch: 1,
    title: 'A sale',
    priceCents: 100,
    total: 5,
    left: 5,
    perBuyerLimit: 1,
    opensAtMs: 0,
    closesAtMs: 4_102_444_800_000,
  }
  const own = over(world.redis)
  await loadSale(world, sale, ['banned'])
  for (const buyerId of ['ann', 'bob']) {
    expect((await reserveOne(own.stock, sale, reservation(sale, buyerId), patient)).status).toBe('RESERVED')
  }
  await calls[name]?.before?.(sale, own)
  return sale
}

/** What each call leaves behind when nothing is forbidden. */
const whole = new Map<string, unknown>()
beforeAll(async () => {
  for (const [name, { call }] of Object.entries(calls)) {
    const sale = await saleFor(name)
    await call(sale, over(world.redis))
    whole.set(name, await snapshotOf(world, sale.saleId))
  }
})

/** Each call either did nothing, or all of it. */
async function expectNoHalfState(without: string): Promise<void> {
  await Promise.all(
    Object.entries(calls).map(async ([name, { call }]) => {
      const sale = await saleFor(name)
      const before = await snapshotOf(world, sale.saleId)
      const outcome = await call(sale, over(limited)).then(
        () => 'done',
        (error: Error) => error.message,
      )
      const after = await snapshotOf(world, sale.saleId)
      expect(outcome).toMatch(/^done$|NOPERM|user executing the script|ACL failure in script/)
      expect(after, `${name} without ${without}`).toEqual(outcome === 'done' ? whole.get(name) : before)
    }),
  )
}

const named = async () => {
  const result = await redisCheck(limited, ledgerRights(world.keyPrefix))()
  return typeof result === 'object' ? `${result.code}: ${result.detail}` : String(result)
}

const commands = [...new Set(ledgerRights('').map(({ call: [command] }) => String(command)))]

test('the list has every command that the scripts, their wrappers and the audit call', () => {
  const sources = ['.', '../audit', '../waiting-room']
    .map((path) => join(import.meta.dirname, path))
    .flatMap((folder) =>
      readdirSync(folder)
        .filter((file) => !file.endsWith('.test.ts'))
        .map((file) => readFileSync(join(folder, file), 'utf8')),
    )
  const text = sources.join('\n')
  const inLua = [...text.matchAll(/redis\.p?call\('([A-Z]+)'/g)].map(([, command]) => String(command))
  const scripts = readdirSync(import.meta.dirname)
    .filter((file) => file.endsWith('.lua'))
    .map((file) => basename(file, '.lua'))
  const inTypeScript = [...text.matchAll(/redis\.([a-z]+)\(/g)]
    .map(([, method]) => String(method))
    .filter((method) => !['call', 'pcall', 'on', 'disconnect', ...scripts].includes(method))
    .map((method) => method.toUpperCase())
  expect(inLua.length).toBeGreaterThan(50)
  expect(inTypeScript.length).toBeGreaterThan(10)
  expect([...new Set([...inLua, ...inTypeScript])].filter((command) => !commands.includes(command))).toEqual([])
})

test('with the rights of the list and no others, everything works', async () => {
  expect(await named()).toBe('true')
  await expectNoHalfState('anything else')
})

test.each(commands)('without the right to %s it is named, and no call leaves half a state', async (command) => {
  await user.set(`-${command.toLowerCase()}`)
  const rule = `\\+${command.toLowerCase()}\\b`
  expect(await named()).toMatch(new RegExp(`^MISSING_RIGHT: .*\\b${command}\\b.* Add with ACL SETUSER: .*${rule}`))
  await expectNoHalfState(command)
})

const kinds = [
  'sales',
  '{*}:sale',
  '{*}:blacklist',
  '{*}:book',
  '{*}:pending',
  '{*}:undecided',
  '{*}:orders',
  '{*}:holders',
  '{*}:marks:even:*',
  '{*}:marks:odd:*',
]
test.each(kinds)('without the keys %s they are named, and no call leaves half a state', async (kind) => {
  await user.set('resetkeys', ...kinds.filter((other) => other !== kind).map((other) => `~${world.keyPrefix}${other}`))
  const key = `${world.keyPrefix}${kind.replace('{*}', '{x}').replace('*', '')}`
  expect(await named()).toContain(key)
  await expectNoHalfState(kind)
})

test('without the keys of the waiting room they are named', async () => {
  const others = [...kinds, 'changes'].map((kind) => `~${world.keyPrefix}${kind}`)
  await user.set('resetkeys', ...others)
  const detail = await named()
  for (const what of ['room', 'early', 'line', 'seen', 'away', 'kept', 'admitted', 'outstanding'])
    expect(detail).toContain(`${world.keyPrefix}{x}:${what}`)
})

test('with keys that may only be read, the writing commands are named, and no call leaves half a state', async () => {
  await user.set('resetkeys', `%R~${world.keyPrefix}*`)
  const detail = await named()
  expect(detail).toContain('HSET')
  expect(detail).not.toContain('ZCARD')
  await expectNoHalfState('writing')
})

test('without the channel, as new users are, it is named, and nothing is lost but the message', async () => {
  await user.set('resetchannels')
  expect(await named()).toContain(`Add with ACL SETUSER: +publish &${world.keyPrefix}changes +subscribe`)
  await expectNoHalfState('the channel')
})

test('the documents show the rights that are asked for', () => {
  const rules = new Set(ledgerRights('seckill:').flatMap(({ rule }) => rule.split(' ')))
  const document = readFileSync(new URL('../../docs/reliability.md', import.meta.url), 'utf8')
  const documented = /ACL SETUSER seckill .*/.exec(document)?.[0].split(' ')
  expect(documented).toEqual(expect.arrayContaining([...rules, '+exists', 'resetkeys', 'resetchannels', '-@all']))
})
