import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { startTime } from '../../dev/processes.ts'
import { bundle } from '../../test/bundles.ts'
import { copyProject, takeAway } from '../../test/mutations/copy.ts'
import type { Guard } from '../../test/mutations/guard.ts'
import type { WorldAddress } from '../../test/support/make-world.ts'
import type { Place } from '../frame/place.ts'
import type { Entry, Fault } from './entry.ts'

/** Loaded from the sources it would take 5.5 s of CPU time in each copy, half of all that a copy takes. */
const PLAY = 'lab/05-break-it/play'
const BUNDLES = 'bundles'

/** Plays the faults in a copy of the project without this rule: the checkout itself is never changed. */
export async function runCopy(place: Place<Entry>, faults: readonly Fault[], guard?: Guard): Promise<void> {
  const copy = join(place.folder, 'copy')
  mkdirSync(copy)
  await copyProject(copy)
  if (guard) takeAway(guard, copy)
  await bundle(copy, [PLAY], join(copy, BUNDLES))
  const { name, databaseUrl, redisUrl, rabbitmqUrl, managementUrl } = place.world
  const world: WorldAddress = { name, databaseUrl, redisUrl, rabbitmqUrl, managementUrl }
  const child = spawn(process.execPath, [join(BUNDLES, `${PLAY}.mjs`)], {
    cwd: copy,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH, LAB_WORLD: JSON.stringify(world), LAB_FAULTS: faults.join() },
  })
  const pid = child.pid ?? 0
  place.onStart('shop', { pid, startedAt: startTime(pid) ?? '' })
  place.defer(() => child.kill('SIGKILL'))
  let complaint = ''
  child.stderr.on('data', (chunk: Buffer) => {
    complaint = (complaint + chunk.toString()).slice(-2_000)
  })
  const ended = once(child, 'exit')
  for await (const line of createInterface(child.stdout)) place.record(JSON.parse(line) as Entry)
  const [code] = (await ended) as [number | null]
  if (code !== 0) throw new Error(`The copy of the shop ended with exit code ${code}: ${complaint}`)
}
