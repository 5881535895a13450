import type { Request, Response } from 'express'
import { expect, test } from 'vitest'
import { fastLane } from './fast-lane.ts'

/** Which of these the lane answers itself, and for which sale. */
function taken(method: string, url: string): string | undefined {
  let sale: string | undefined
  const lane = fastLane(async (_req, _res, saleId) => {
    sale = saleId
  })
  const isTaken = lane({ method, url } as Request, {} as Response)
  expect(isTaken).toBe(sale !== undefined)
  return sale
}

test('a purchase in its plain form is answered in front of Express', () => {
  expect(taken('POST', '/sales/demo-2/reservations')).toBe('demo-2')
})

test.each([
  ['GET', '/sales/demo/reservations'],
  ['POST', '/sales/demo/reservations?from=mail'],
  ['POST', '/sales/demo/reservations/'],
  ['POST', '/Sales/demo/reservations'],
  ['POST', '/sales/d%65mo/reservations'],
  ['POST', '/sales/-demo/reservations'],
  ['POST', '/sales//reservations'],
  ['POST', '/sales/demo/other'],
  ['POST', `/sales/${'x'.repeat(33)}/reservations`],
])('%s %s is left to Express', (method, url) => {
  expect(taken(method, url)).toBeUndefined()
})
