import { expect, test } from 'vitest'
import { slotOf } from './cluster-slot.ts'

test.each([
  ['123456789', 12_739],
  ['foo', 12_182],
  ['seckill:{foo}:sale', 12_182],
  ['{foo}{bar}', 12_182],
])('%s is in slot %i', (key, slot) => {
  expect(slotOf(key)).toBe(slot)
})
