import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { beforeEach, expect, test } from 'vitest'
import { startTime } from '../../../dev/processes.ts'
import { freePort } from '../../../dev/servers/ports.ts'
import { noteProcess } from '../left-behind.ts'
import { startProcess } from '../service-process.ts'

/** A service that no test ends. */
beforeEach(async () => {
  const { pid } = await startProcess('payment-provider', {
    PAYMENT_PROVIDER_PORT: String(await freePort()),
    PAYMENT_SECRET: randomBytes(24).toString('hex'),
    PUBLIC_URL: 'http://127.0.0.1:9',
  })
  const id = { pid, startedAt: startTime(pid) ?? '' }
  // A second time, to wait until it is recorded.
  await noteProcess('payment-provider', id)
  writeFileSync(process.env.SERVICE_FILE ?? '', JSON.stringify(id))
})

test('hits its limit', async () => {
  expect(await new Promise(() => {})).toBeUndefined()
}, 100)

test('is killed', () => {
  expect(process.kill(process.pid, 'SIGKILL')).toBe(true)
})
