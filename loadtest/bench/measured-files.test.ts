import { expect, test } from 'vitest'
import { changedShare, measuredFiles } from './measured-files.ts'

test('files that are new, gone or different since the run count as changed', () => {
  const recorded = { 'a.ts': '1', 'b.ts': '1', 'c.ts': '1', 'd.ts': '1' }
  expect(changedShare(recorded, recorded)).toBe(0)
  expect(changedShare(recorded, { ...recorded, 'b.ts': '2' })).toBe(0.25)
  expect(changedShare(recorded, { 'a.ts': '1', 'b.ts': '2', 'd.ts': '1', 'e.ts': '1' })).toBe(0.75)
})

test('the scripts that run in Redis are measured code, and tests are not', () => {
  const paths = Object.keys(measuredFiles())
  expect(paths).toContain('core/stock/reserve.lua')
  expect(paths).toContain('gateway/gateway.ts')
  expect(paths.filter((path) => path.endsWith('.test.ts'))).toEqual([])
})
