import { readFileSync } from 'node:fs'
import { execa } from 'execa'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startSystem, type System } from './support/system.ts'

let system: System
beforeAll(async () => {
  system = await startSystem()
})
afterAll(() => system.close())

test.each(['README.md', 'README.zh-CN.md'])('what %s says can be bought by hand, pasted as it stands', async (file) => {
  const saleId = await system.createSale()
  const section =
    readFileSync(file, 'utf8')
      .split(/^## /m)
      .find((text) => text.includes('TOKEN=$(')) ?? ''
  const commands = [...section.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, lines]) => lines)
  const here = commands
    .join('echo\n')
    .replaceAll('localhost:3000', new URL(system.url('')).host)
    .replaceAll('/demo/', `/${saleId}/`)
    .replaceAll('"alice"', `"of ${file}"`)
  const { stdout } = await execa('bash', ['-euo', 'pipefail', '-c', here])
  const answers = stdout.split('\n').filter((line) => line.startsWith('{'))
  expect(answers.map((line) => JSON.parse(line) as unknown)).toEqual([
    expect.objectContaining({ saleId, status: 'RESERVED' }),
    expect.objectContaining({ code: 'LIMIT_REACHED' }),
    expect.objectContaining({ saleId, status: 'ORDERED' }),
    expect.objectContaining({ url: expect.stringContaining('/pay/') as string }),
    expect.objectContaining({ saleId, status: 'PENDING_PAYMENT' }),
  ])
})
