import { expect, test } from 'vitest'
import { drawSteps, STEP_IDS } from './steps.ts'

test('a drawn round has what others are compared with, and over some rounds everything is measured', () => {
  const drawn = Array.from({ length: 60 }, (_, seed) => drawSteps(5, String(seed)))
  for (const ids of drawn) {
    expect(new Set(ids).size).toBe(10)
    expect(ids).toEqual(expect.arrayContaining(['plain', 'buy', 'buyWriting', 'carried']))
  }
  expect(new Set(drawn.flat()).size).toBe(STEP_IDS.length)
})
