import { readFileSync } from 'node:fs'
import type { Redis, Result } from 'ioredis'
import type { ReleaseOutcome, ReserveAnswer } from './ledger.ts'

const SCRIPTS = [
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
] as const

const read = (name: string) => readFileSync(new URL(`${name}.lua`, import.meta.url), 'utf8')

/**
 * A script of this folder. Its header lists its keys, one line each; one that takes "for each" is told how many with
 * every call.
 */
function script(name: string): { lua: string; numberOfKeys?: number } {
  const own = read(name)
  const lua = own.includes('require_right(') ? read('require-right') + own : own
  if (lua.includes('-- and then for each')) return { lua }
  return { lua, numberOfKeys: lua.match(/^-- KEYS\[\d+\]/gm)?.length ?? 0 }
}

type Script<Answer> = (...keysAndArguments: (string | number)[]) => Result<Answer, { type: 'default' }>
export interface Scripts {
  reserve: Script<ReserveAnswer[]>
  settle: Script<number>
  release: Script<ReleaseOutcome>
  claim: Script<[string, string][]>
  close: Script<'CLOSED' | 'STALE'>
  refill: Script<'REFILLED' | 'STALE'>
  open: Script<'OPEN' | 'STALE'>
  adjust: Script<number>
  amend: Script<string>
  blacklist: Script<number>
  reconciled: Script<number>
  surveyBuffer: Script<[Buffer, Buffer]>
}

/** The connection, with the scripts of this folder as commands. */
export function withScripts(redis: Redis): Redis & Scripts {
  for (const name of SCRIPTS) redis.defineCommand(name, script(name))
  return redis as Redis & Scripts
}
