import { expect, test } from 'vitest'
import { type CpuProfile, selfTimes, shortFile } from './self-time.ts'

const here = new URL('../../..', import.meta.url).href
const node = (id: number, functionName: string, url: string) => ({
  id,
  callFrame: { functionName, url, lineNumber: 1 },
})

test('shares are of the busy time, by function and by file', () => {
  const profile: CpuProfile = {
    nodes: [
      node(1, '(idle)', ''),
      node(2, 'reserve', `${here}core/stock/stock.ts`),
      node(3, 'settle', `${here}core/stock/stock.ts`),
      node(4, '(garbage collector)', ''),
    ],
    samples: [1, 2, 3, 4, 2],
    timeDeltas: [900, 10, 20, 50, 20],
  }
  const { functions, files } = selfTimes(profile)
  expect(functions.map(({ name, share }) => [name, share])).toEqual([
    ['(garbage collector)', 0.5],
    ['reserve (core/stock/stock.ts)', 0.3],
    ['settle (core/stock/stock.ts)', 0.2],
  ])
  expect(new Map(files.map(({ name, share }) => [name, share]))).toEqual(
    new Map([
      ['core/stock/stock.ts', 0.5],
      ['(garbage collector)', 0.5],
    ]),
  )
})

test('a package is one file, whatever is inside', () => {
  expect(shortFile('file:///somewhere/node_modules/ioredis/built/Redis.js')).toBe('npm: ioredis')
  expect(shortFile('file:///somewhere/node_modules/@prisma/client/index.js')).toBe('npm: @prisma/client')
  expect(shortFile('node:net')).toBe('node:net')
})
