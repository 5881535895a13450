import { readFileSync } from 'node:fs'
import type { Redis } from 'ioredis'
import type { ReserveAnswer } from './reserving.ts'
import type { ReleaseOutcome } from './reservation.ts'

/** What a script is given; `items` is the part that its header repeats "for each". */
export interface Call {
  keys: string[]
  args?: (string | number)[]
  items?: { keys?: string[]; args: (string | number)[] }[]
}

type Script<Answer> = (call: Call) => Promise<Answer>
export interface Scripts {
  reserve: Script<ReserveAnswer[]>
  settle: Script<number>
  release: Script<ReleaseOutcome>
  claim: Script<[entry: string, reservationId: string][]>
  close: Script<'CLOSED' | 'STALE'>
  refill: Script<'REFILLED' | 'STALE'>
  open: Script<'OPEN' | 'STALE'>
  adjust: Script<number>
  amend: Script<string>
  blacklist: Script<number>
  reconciled: Script<number>
  survey: Script<[left: Buffer, holders: Buffer]>
}

const NAMES = [
  'reserve',
  'settle',
  'release',
  'claim',
  'close',
  'refill',
  'open',
  'adjust',
  'amend',
  'blacklist',
  'reconciled',
  'survey',
] as const satisfies (keyof Scripts)[]

/** How many keys and arguments a script takes, as its header lists them. */
export interface Layout {
  fixedKeys: string[]
  fixedArgs: string[]
  keysOfItem: string[]
  argsOfItem: string[]
}

/** The names in a script's header: `-- KEYS[1] name …`, `-- ARGV[1] name …`, and below "for each" `--   name …`. */
export function layoutOf(lua: string): Layout {
  const layout: Layout = { fixedKeys: [], fixedArgs: [], keysOfItem: [], argsOfItem: [] }
  let [fixed, ofItem, isRepeated] = [layout.fixedKeys, layout.keysOfItem, false]
  for (const line of lua.split('\n')) {
    if (!line.startsWith('--')) break
    const [, list, name] = /^-- (KEYS|ARGV)\[\d+\] (\w+)/.exec(line) ?? []
    if (list === 'ARGV') [fixed, ofItem] = [layout.fixedArgs, layout.argsOfItem]
    if (name !== undefined) fixed.push(name)
    const item = /^-- {3}(\w+)/.exec(line)?.[1]
    if (isRepeated && item !== undefined) ofItem.push(item)
    if (line.startsWith('-- and then for each')) isRepeated = true
    else if (line === '--') isRepeated = false
  }
  return layout
}

const read = (name: string) => readFileSync(new URL(`${name}.lua`, import.meta.url), 'utf8')
const layoutLua = read('layout')
const requireRightLua = read('require-right')

function load(name: keyof Scripts): { lua: string; layout: Layout } {
  const own = read(name)
  const layout = layoutOf(own)
  const { fixedKeys, keysOfItem, fixedArgs, argsOfItem } = layout
  const numbers = [fixedKeys, keysOfItem, fixedArgs, argsOfItem].map((names) => names.length).join(', ')
  const rights = own.includes('require_right(') ? requireRightLua : ''
  return {
    lua: `local FIXED_KEYS, KEYS_EACH, FIXED_ARGS, ARGS_EACH = ${numbers}\n${layoutLua}${rights}${own}`,
    layout,
  }
}

const scripts = NAMES.map((name) => ({ name, ...load(name) }))

/** The scripts of this folder, called on that connection. */
export function scriptsOn(redis: Redis): Scripts {
  const commands = redis as unknown as Record<string, (...keysAndArguments: (string | number)[]) => Promise<unknown>>
  const callers = scripts.map(({ name, lua, layout }) => {
    redis.defineCommand(name, { lua })
    const command = name === 'survey' ? 'surveyBuffer' : name
    return [name, async (call: Call) => await commands[command]?.(...flatten(name, layout, call))]
  })
  return Object.fromEntries(callers) as Scripts
}

/** @throws when the call is not of the script's layout: Lua would take one argument for another. */
function flatten(name: string, layout: Layout, { keys, args = [], items = [] }: Call): (string | number)[] {
  const expectLength = (list: unknown[], names: string[], what: string) => {
    if (list.length !== names.length)
      throw new Error(`${name}.lua: expected ${what} ${names.join(', ')}, got ${list.length} values`)
  }
  expectLength(keys, layout.fixedKeys, 'keys')
  expectLength(args, layout.fixedArgs, 'arguments')
  const all = [...keys]
  const allArgs = [...args]
  for (const { keys: itemKeys = [], args: itemArgs } of items) {
    expectLength(itemKeys, layout.keysOfItem, 'keys of an item')
    expectLength(itemArgs, layout.argsOfItem, 'arguments of an item')
    all.push(...itemKeys)
    allArgs.push(...itemArgs)
  }
  return [all.length, ...all, ...allArgs]
}
