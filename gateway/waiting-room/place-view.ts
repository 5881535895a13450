import type { PlaceView } from '../../core/contracts/places.ts'
import type { RoomFigures, Standing } from '../../core/waiting-room/waiting-room.ts'
import type { Admissions } from './admissions.ts'

export type Placed = Extract<Standing, { state: PlaceView['state'] }>
export type Unplaced = Exclude<Standing, Placed>['state']

export const isPlaced = (standing: Standing): standing is Placed =>
  standing.state !== 'FULL' && standing.state !== 'BLACKLISTED'

interface Room extends RoomFigures {
  /** Of the sale's rules; undefined where all stand in one line. */
  membersShare: number | undefined
}

interface Owner {
  saleId: string
  buyerId: string
}

/** A place as its buyer sees it. */
export function placeView(
  { saleId, buyerId }: Owner,
  standing: Placed,
  room: Room,
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

function figuresOf(standing: Placed, room: Room): Partial<PlaceView> {
  const { registered, perSecond } = room
  if (standing.state === 'REGISTERED') return { registered }
  if (standing.state === 'ADMITTED') return {}
  const { ahead, number, isMember } = standing
  return {
    ahead,
    ...(isMember && { isMember }),
    ...(number !== undefined && { number }),
    ...(perSecond !== undefined && { perSecond }),
    // Without an admission for a while, there is nothing to estimate by.
    ...(perSecond && { waitSeconds: Math.ceil(admissionsUntil(standing, room) / perSecond) }),
  }
}

/** How many are admitted up to this buyer: for those of their own line, the other line gets its share meanwhile. */
export function admissionsUntil(
  { ahead, isMember }: Pick<Extract<Placed, { state: 'WAITING' }>, 'ahead' | 'isMember'>,
  { waiting, members, membersShare }: Pick<Room, 'waiting' | 'members' | 'membersShare'>,
): number {
  const inOwn = ahead + 1
  if (membersShare === undefined) return inOwn
  const share = isMember ? membersShare : 100 - membersShare
  const inOther = isMember ? waiting - members : members
  return inOwn + Math.min(inOther, Math.ceil((inOwn * (100 - share)) / share))
}
