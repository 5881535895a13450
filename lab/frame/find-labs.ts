import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { ShopLine } from './lab.ts'
import type { AnyLab } from './run-lab.ts'

const LABS = join(import.meta.dirname, '..')
const CHECKOUT = join(LABS, '..')

/** A lab with its place in the teaching order. */
export interface FoundLab extends AnyLab {
  /** As its folder is called: "04-locks". */
  id: string
  /** As a reader calls it: "locks". */
  name: string
  folder: string
}

/** All labs, in teaching order: the folders that begin with a number. */
export async function findLabs(): Promise<FoundLab[]> {
  const ids = readdirSync(LABS)
    .filter((name) => /^\d\d-/.test(name) && existsSync(join(LABS, name, 'lab.ts')))
    .sort()
  return Promise.all(
    ids.map(async (id) => {
      const folder = join(LABS, id)
      const { lab } = (await import(pathToFileURL(join(folder, 'lab.ts')).href)) as { lab: AnyLab }
      return { ...lab, id, name: id.slice(3), folder }
    }),
  )
}

/** @returns the lab that has this number or name, otherwise those whose names begin so */
export function labsCalled(asked: string, labs: FoundLab[]): FoundLab[] {
  const exact = labs.filter(({ id, name }) => [id, name].includes(asked) || Number.parseInt(id, 10) === Number(asked))
  return exact.length > 0 ? exact : labs.filter(({ id, name }) => id.startsWith(asked) || name.startsWith(asked))
}

/** Loads what the reader writes, or the solution of it. */
export async function loadWork({ folder }: FoundLab, file: 'exercise' | 'solution'): Promise<object> {
  return (await import(pathToFileURL(join(folder, `${file}.ts`)).href)) as object
}

/** @returns as in "core/orders/outbox.ts:31". @throws when the quote does not stand in the file exactly once. */
export function locate({ file, quote }: ShopLine): string {
  const [before = '', ...after] = readFileSync(join(CHECKOUT, file), 'utf8').split(quote)
  if (after.length !== 1) throw new Error(`${file}: expected this text once, found it ${after.length} times: ${quote}`)
  return `${file}:${before.split('\n').length}`
}
