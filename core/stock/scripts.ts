import { readFileSync } from 'node:fs'
import type { RedisClient } from '../platform/stores/redis.ts'
import type { ReleaseOutcome } from './reservation.ts'

/** What a script is given; `items` is the part that its header repeats "for each". */
export interface Call {
  keys: string[]
  args?: (string | number)[]
  items?: { args: (string | number)[] }[]
}

interface Answers {
  reserve: string[]
  settle: number
  release: ReleaseOutcome
  claim: string[]
  close: 'CLOSED' | 'STALE'
  refill: 'REFILLED' | 'STALE'
  open: 'OPEN' | 'STALE'
  adopt: 'ADOPTED' | 'STALE'
  adjust: number
  amend: string
  withdraw: 0 | 1
  blacklist: number
  reconciled: number
  leave: [sequence: string, units: string]
  arrive: 0 | 1
  complete: 0 | 1
  turn: 0 | 1
  survey: [left: Buffer, holders: Buffer]
}
export type Scripts = { [Name in keyof Answers]: (call: Call) => Promise<Answers[Name]> }

const NAMES = (
  'reserve settle release claim close refill open adopt adjust amend withdraw blacklist reconciled ' +
  'leave arrive complete turn survey'
).split(' ')

/** The names of the keys and arguments that a script takes, as its header lists them. */
export interface Layout {
  keys: string[]
  args: string[]
  itemArgs: string[]
}

/**
 * The first line of a script: its flags, by which Redis refuses one that writes before it starts when memory is short.
 */
const SHEBANG = /^#!lua.*\n/

/** Reads a header: `-- KEYS[1] name …`, `-- ARGV[1] name …`, and below "for each" `--   name …`. */
export function layoutOf(script: string): Layout {
  const lua = script.replace(SHEBANG, '')
  const layout: Layout = { keys: [], args: [], itemArgs: [] }
  let isRepeated = false
  for (const line of lua.slice(0, lua.search(/^(?!--)/m)).split('\n')) {
    const [, list, name, itemName] = /^-- (?:(KEYS|ARGV)\[\d+\] (\w+)| {2}(\w+))/.exec(line) ?? []
    if (name !== undefined) layout[list === 'ARGV' ? 'args' : 'keys'].push(name)
    else if (itemName !== undefined && isRepeated) layout.itemArgs.push(itemName)
    isRepeated = line.startsWith('-- and then for each') || (isRepeated && line !== '--')
  }
  return layout
}

interface Script {
  name: string
  layout: Layout
  lua: string
}

const textOf = (name: string, folder: string) => readFileSync(new URL(`${name}.lua`, folder), 'utf8')
const layoutLua = textOf('layout', import.meta.url)

/**
 * Reads scripts of a folder.
 * @param inFront files of that folder that stand in front of each
 */
export function readScripts(names: string[], inFront: string[], folder: string): Script[] {
  const before = layoutLua + inFront.map((name) => textOf(name, folder)).join('')
  return names.map((name) => {
    const own = textOf(name, folder)
    const layout = layoutOf(own)
    const numbers = [layout.keys, layout.args, layout.itemArgs].map((list) => list.length).join(', ')
    const layoutNumbers = `local FIXED_KEYS, FIXED_ARGS, ARGS_EACH = ${numbers}\n`
    return { name, layout, lua: `${SHEBANG.exec(own)?.[0] ?? ''}${layoutNumbers}${before}${own.replace(SHEBANG, '')}` }
  })
}

/** Functions that call scripts on that connection, by name. */
export function callersOn(redis: RedisClient, scripts: Script[]): Record<string, (call: Call) => Promise<unknown>> {
  const commands = redis as unknown as Record<string, (...keysAndArgs: (string | number)[]) => Promise<unknown>>
  const callers = scripts.map(({ name, layout, lua }) => {
    redis.defineCommand(name, { lua })
    // The holders' bits are no text.
    const command = name === 'survey' ? 'surveyBuffer' : name
    return [name, async (call: Call) => await commands[command]?.(...flattened(name, layout, call))]
  })
  return Object.fromEntries(callers) as Record<string, (call: Call) => Promise<unknown>>
}

const scripts = readScripts(NAMES, ['require-right', 'book'], import.meta.url)

/** The scripts of this folder, called on that connection. */
export const scriptsOn = (redis: RedisClient) => callersOn(redis, scripts) as Scripts

/**
 * The arguments of the items come list by list, see layout.lua.
 * @throws when the call does not fit the script's header: Lua would take one argument for another.
 */
function flattened(name: string, layout: Layout, { keys, args = [], items = [] }: Call): (string | number)[] {
  expectAll(name, layout.keys, keys)
  expectAll(name, layout.args, args)
  for (const item of items) expectAll(name, layout.itemArgs, item.args)
  const lists = layout.itemArgs.flatMap((_, i) => items.map((item) => item.args[i] ?? ''))
  return [keys.length, ...keys, ...args, ...lists]
}

function expectAll(script: string, names: string[], values: unknown[]): void {
  if (names.length !== values.length)
    throw new Error(`${script}.lua: expected ${names.length} (${names.join(', ')}), got ${values.length}`)
}
