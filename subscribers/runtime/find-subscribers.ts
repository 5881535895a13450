import { readdir } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { z } from 'zod'
import { ORDER_EVENT_TYPES } from '../../core/contracts/messages.ts'
import type { Subscriber } from './subscriber.ts'

/** What can be said of a file before it runs. TypeScript says the rest. */
const Declared = z.looseObject({
  name: z.string().regex(/^[a-z][a-z0-9-]*$/),
  events: z.array(z.enum(ORDER_EVENT_TYPES)).min(1),
})

/**
 * The subscribers of a folder: every file is one, but for the program itself and tests. @throws when a file is none.
 */
export async function findSubscribers(folder: string, wanted: string[] = []): Promise<Subscriber[]> {
  const files = (await readdir(folder)).filter(
    (file) => file.endsWith('.ts') && file !== 'main.ts' && !file.endsWith('.test.ts'),
  )
  const names = files.map((file) => basename(file, '.ts'))
  const unknown = wanted.find((name) => !names.includes(name))
  if (unknown !== undefined) throw new Error(`SUBSCRIBERS names ${unknown}; ${folder} has ${names.join(', ')}`)
  const chosen = wanted.length > 0 ? wanted : names
  return await Promise.all(chosen.map((name) => load(resolve(join(folder, `${name}.ts`)), name)))
}

async function load(file: string, name: string): Promise<Subscriber> {
  const { subscriber } = (await import(pathToFileURL(file).href)) as { subscriber?: Subscriber }
  const { success, error } = Declared.safeParse(subscriber)
  if (subscriber === undefined || !success)
    throw new Error(`${file}: expected it to export a subscriber. ${error ? z.prettifyError(error) : ''}`)
  if (subscriber.name !== name)
    throw new Error(`${file}: expected a subscriber of the name ${name}, got ${subscriber.name}`)
  return subscriber
}
