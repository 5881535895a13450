import { setImmediate as soon } from 'node:timers/promises'
import { Registry } from 'prom-client'
import { expect, test } from 'vitest'
import { startHttp } from '../../core/platform/http/http-service.ts'
import { createLog } from '../../core/platform/process/log.ts'
import { signedIn } from '../../core/platform/http/signed-in.ts'
import { createTokens } from '../../core/platform/http/tokens.ts'
import type { ReservationRecord } from '../../core/stock/reservation.ts'
import type { Stock } from '../../core/stock/stock.ts'
import type { Changes } from '../changes.ts'
import { WatchedReservations } from '../watched-reservations.ts'
import { getReservationEvents } from './reservation-events.ts'
import { getReservation } from './reservations.ts'

const path = `/reservations/sale.${'r'.repeat(22)}`
const record: ReservationRecord = {
  reservationId: `sale.${'r'.repeat(22)}`,
  status: 'RESERVED',
  buyerId: 'eve',
  quantity: 1,
  epoch: 1,
  reservedAtMs: 0,
}
const log = createLog('test', 'silent')
const tokens = createTokens('x'.repeat(32))

/** Something that happens once. */
function moment<T = void>() {
  let happen: (value: T) => void = () => {}
  const happened = new Promise<T>((resolve) => {
    happen = resolve
  })
  return { happen, happened }
}

// Redis made to answer at that very moment: no real one can be.
test.each([
  ['/events', {}],
  ['', { prefer: 'wait=30' }],
])('a buyer who leaves while the reservation is read does not wait for ever: GET %s', async (suffix, headers) => {
  const [asked, answer, left] = [moment(), moment<ReservationRecord>(), moment()]
  const stock = {
    readReservation() {
      asked.happen()
      return answer.happened
    },
  } as unknown as Stock
  const watched = new WatchedReservations(stock, { subscribe() {} } as unknown as Changes, log, 10)
  const server = await startHttp({
    host: '127.0.0.1',
    port: 0,
    log,
    metrics: new Registry(),
    checks: {},
    routes(app) {
      app.use((_req, res, next) => {
        res.once('close', () => left.happen())
        next()
      })
      app.get('/reservations/:reservationId', signedIn(tokens), getReservation(stock, watched))
      app.get('/reservations/:reservationId/events', signedIn(tokens), getReservationEvents(stock, watched))
    },
  })
  const leaving = new AbortController()
  const call = fetch(`http://127.0.0.1:${server.port}${path}${suffix}`, {
    headers: { ...headers, authorization: `Bearer ${tokens.sign('eve')}` },
    signal: leaving.signal,
  })
  await asked.happened
  leaving.abort()
  await expect(call).rejects.toThrow('aborted')
  await left.happened
  answer.happen(record)
  await soon()
  expect(watched.count).toBe(0)
  expect(watched.refusal({ buyerId: 'eve', address: '' })).toBeUndefined()
  await watched.close()
  await server.close()
})
