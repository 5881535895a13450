import type { PlaceView } from '../../core/contracts/places.ts'
import type { RoomRules } from '../../core/waiting-room/room-rules.ts'
import type { RoomFigures, Standing } from '../../core/waiting-room/waiting-room.ts'
import type { Admissions } from './admissions.ts'

export type Placed = Extract<Standing, { state: PlaceView['state'] }>
export type Unplaced = Exclude<Standing, Placed>['state']

const UNPLACED = new Set<Standing['state']>(['FULL', 'CLOSED', 'BLACKLISTED'] satisfies Unplaced[])
export const isPlaced = (standing: Standing): standing is Placed => !UNPLACED.has(standing.state)

interface Room extends RoomFigures {
  rules: RoomRules | undefined
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
  const { registered, perSecond, rules } = room
  if (standing.state === 'REGISTERED') return { registered }
  if (standing.state === 'ADMITTED') return {}
  const { ahead, number, isMember } = standing
  return {
    ahead,
    ...(isMember && { isMember }),
    ...(number !== undefined && { number }),
    ...(perSecond !== undefined && !rules?.isDraw && { perSecond }),
    // Without an admission for a while, and of units that come back to a draw, there is nothing to estimate by.
    ...(perSecond &&
      !rules?.isDraw && {
        waitSeconds: Math.ceil(admissionsUntil(standing, { ...room, membersShare: rules?.membersShare }) / perSecond),
      }),
  }
}

/** How many are admitted up to this buyer: for those of their own line, the other line gets its share meanwhile. */
export function admissionsUntil(
  { ahead, isMember }: Pick<Extract<Placed, { state: 'WAITING' }>, 'ahead' | 'isMember'>,
  { waiting, members, membersShare }: Pick<Room, 'waiting' | 'members'> & Pick<RoomRules, 'membersShare'>,
): number {
  const inOwn = ahead + 1
  if (membersShare === undefined) return inOwn
  const share = isMember ? membersShare : 100 - membersShare
  const inOther = isMember ? waiting - members : members
  return inOwn + Math.min(inOther, Math.ceil((inOwn * (100 - share)) / share))
}
