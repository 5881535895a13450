import { once } from 'node:events'
import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { getPriority } from 'node:os'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { eventually } from '../test/support/eventually.ts'
import { yieldToLightSide } from './priority.ts'

let child: ReturnType<typeof spawn>
const said: string[] = []
const say = (line: string) => said.push(line)

beforeEach(() => {
  said.length = 0
  child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { detached: true, stdio: 'ignore' })
})
afterEach(async () => {
  child.kill('SIGKILL')
  await once(child, 'exit')
})

test('the heavy side has less priority than the gateway', () => {
  const pid = child.pid ?? 0
  const own = getPriority(pid)
  yieldToLightSide('gateway', pid, say)
  expect(getPriority(pid)).toBe(own)
  yieldToLightSide('subscribers', pid, say)
  expect({ priority: getPriority(pid), said }).toEqual({ priority: 7, said: [] })
})

test('a priority that cannot be set is told, and no reason to fail', () => {
  yieldToLightSide('postgres', 2 ** 30, say)
  expect(said).toEqual([expect.stringMatching(/^postgres keeps the priority of the gateway: /)])
})

test.runIf(existsSync('/proc/self/autogroup'))('so have the sessions that its children lead', async () => {
  const idle = `setInterval(() => {}, 1000)`
  const script = `
    const { spawn } = require('node:child_process')
    console.log(spawn(process.execPath, ['-e', '${idle}'], { detached: true, stdio: 'ignore' }).pid)
    ${idle}`
  const server = spawn(process.execPath, ['-e', script], { detached: true, stdio: ['ignore', 'pipe', 'ignore'] })
  const [line] = (await once(server.stdout, 'data')) as [Buffer]
  const backend = Number(line.toString())
  try {
    yieldToLightSide('postgres', server.pid ?? 0, say)
    const weighted = () => readFileSync(`/proc/${backend}/autogroup`, 'utf8')
    const group = await eventually('the session to be lowered', weighted, (seen) => seen.endsWith(' nice 7\n'))
    expect(group).toContain('nice 7')
  } finally {
    process.kill(backend, 'SIGKILL')
    server.kill('SIGKILL')
    await once(server, 'exit')
  }
})
