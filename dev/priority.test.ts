import { once } from 'node:events'
import { spawn } from 'node:child_process'
import { getPriority } from 'node:os'
import { afterEach, beforeEach, expect, test } from 'vitest'
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
