import { setTimeout as sleep } from 'node:timers/promises'
import type { Place } from '../frame/place.ts'
import { type Notifier, startServices } from './services.ts'

export interface Entry {
  order: number
  /** ANSWERED and REFUSED are told to the buyer; EFFECT is a downstream that has done its part. */
  what: 'ANSWERED' | 'REFUSED' | 'EFFECT' | 'WAITING'
  phase: Phase
  at: number
  tookMs?: number
  /** How many downstreams this order has. */
  downstreams?: number
  /** The downstream that has had it, or did not answer. */
  by?: string
  /** Messages that wait for the SMS service. */
  waiting?: number
}

/** Five downstreams; a sixth; SMS frozen; SMS going on. */
export type Phase = 'FIVE' | 'SIX' | 'FROZEN' | 'THAWED'

/** Places one order. @throws when the buyer has to be refused; the error names the downstream. */
export type PlaceOrder = (order: number, downstreams: Notifier[]) => Promise<void>

export interface Design {
  placeOrder: PlaceOrder
  /** Messages that a downstream has not worked off yet. */
  waiting: () => number
}

/** What a buyer waits for at most. */
export const LIMIT_MS = 500
const INTERVAL_MS = 20

export class NoAnswer extends Error {
  readonly by: string

  constructor(by: string) {
    super(`${by} did not answer within ${LIMIT_MS} ms`)
    this.by = by
  }
}

/** A buyer arrives every 20 ms, whether or not earlier ones have their answer. */
export async function sell(place: Place<Entry>, designOf: (tell: Tell) => Promise<Design>): Promise<void> {
  const services = await startServices(place)
  let phase: Phase = 'FIVE'
  const tell: Tell = (order, what, more = {}) => place.record({ order, what, phase, at: place.now(), ...more })
  const { placeOrder, waiting } = await designOf(tell)
  const perPhase = place.amount(100, 8)
  let order = 0

  const buy = async (downstreams: Notifier[]) => {
    const [mine, began] = [++order, place.now()]
    const took = () => ({ tookMs: place.now() - began, downstreams: downstreams.length })
    await placeOrder(mine, downstreams).then(
      () => tell(mine, 'ANSWERED', took()),
      (error: unknown) => {
        if (!(error instanceof NoAnswer)) throw error
        tell(mine, 'REFUSED', { ...took(), by: error.by })
      },
    )
  }
  const sellPhase = async (now: Phase, downstreams: Notifier[]) => {
    phase = now
    const buying: Promise<void>[] = []
    for (let i = 0; i < perPhase; i++) {
      buying.push(buy(downstreams))
      await sleep(INTERVAL_MS)
      if (i % 8 === 0) tell(order, 'WAITING', { waiting: waiting() })
    }
    await Promise.all(buying)
    tell(order, 'WAITING', { waiting: waiting() })
  }

  const six = [...services.five, services.sixth]
  await sellPhase('FIVE', services.five)
  await sellPhase('SIX', six)
  services.freezeSms()
  await sellPhase('FROZEN', six)
  services.thawSms()
  await sellPhase('THAWED', six)
  while (waiting() > 0) {
    tell(order, 'WAITING', { waiting: waiting() })
    await sleep(50)
  }
}

export type Tell = (order: number, what: Entry['what'], more?: Partial<Entry>) => void
