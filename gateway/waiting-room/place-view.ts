import type { PlaceView } from '../../core/contracts/places.ts'
import type { RoomFigures, Standing } from '../../core/waiting-room/waiting-room.ts'
import type { Admissions } from './admissions.ts'

export type Placed = Extract<Standing, { state: PlaceView['state'] }>
export type Unplaced = Exclude<Standing, Placed>['state']

export const isPlaced = (standing: Standing): standing is Placed =>
  standing.state !== 'FULL' && standing.state !== 'BLACKLISTED'

interface Owner {
  saleId: string
  buyerId: string
}

/** A place as its buyer sees it. */
export function placeView(
  { saleId, buyerId }: Owner,
  standing: Placed,
  room: RoomFigures,
  admissions: Admissions,
  nowMs: number,
): PlaceView {
  return {
    saleId,
    state: standing.state,
    line: room.line,
    ...figuresOf(standing, room),
    ...(standing.state === 'ADMITTED' && {
      admission: admissions.give(saleId, buyerId, standing.untilMs),
      admittedUntil: new Date(standing.untilMs).toISOString(),
    }),
    serverTime: new Date(nowMs).toISOString(),
  }
}

function figuresOf(standing: Placed, { registered, perSecond }: RoomFigures): Partial<PlaceView> {
  if (standing.state === 'REGISTERED') return { registered }
  if (standing.state === 'ADMITTED') return {}
  const { ahead, number } = standing
  return {
    ahead,
    ...(number !== undefined && { number }),
    ...(perSecond !== undefined && { perSecond }),
    // Without an admission for a while, there is nothing to estimate by.
    ...(perSecond && { waitSeconds: Math.ceil((ahead + 1) / perSecond) }),
  }
}
