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
  expect({ priority: getPriority(pid), said }).toEqual({ priority: 12, said: [] })
})

test('a priority that cannot be set is told, and no reason to fail', () => {
  yieldToLightSide('postgres', 2 ** 30, say)
  expect(said).toEqual([expect.stringMatching(/^postgres keeps the priority of the gateway: /)])
})

test('so have the sessions that its children lead', async () => {
  const idle = `setInterval(() => {}, 1000)`
  const script = `
    const { spawn } = require('node:child_process')
    process.stdin.once('data', () =>
      console.log(spawn(process.execPath, ['-e', '${idle}'], { detached: true, stdio: 'ignore' }).pid))
    ${idle}`
  const server = spawn(process.execPath, ['-e', script], { detached: true, stdio: ['pipe', 'pipe', 'ignore'] })
  yieldToLightSide('postgres', server.pid ?? 0, say)
  server.stdin.write('go\n')
  const [line] = (await once(server.stdout, 'data')) as [Buffer]
  const backend = Number(line.toString())
  try {
    expect(getPriority(backend)).toBe(12)
    // Where Linux weighs no sessions, and elsewhere, the priority is all there is.
    const group = `/proc/${backend}/autogroup`
    const weighed = () => (existsSync(group) ? readFileSync(group, 'utf8').trim() : 'nice 12')
    expect(await eventually('the session to be lowered', weighed, (seen) => seen.endsWith('nice 12'))).toContain(
      'nice 12',
    )
  } finally {
    process.kill(backend, 'SIGKILL')
    server.kill('SIGKILL')
    await once(server, 'exit')
  }
})
