import type { Opening } from '../contracts/opening.ts'

/** How buyers of a sale with a waiting room or a draw are admitted. */
export interface RoomRules {
  /** Only those who registered before the opening have a place, and need not be there. */
  isDraw: boolean
  admissionSeconds: number
  perSecond?: number
  outstandingMax?: number
  absentSeconds?: number
  keptSeconds?: number
  membersShare?: number | undefined
}

/** Undefined of a sale without either: buyers need no admission. */
export function roomOf({ waitingRoom, draw }: Opening = {}): RoomRules | undefined {
  if (draw) return { isDraw: true, admissionSeconds: draw.admissionSeconds }
  return waitingRoom && { isDraw: false, ...waitingRoom }
}
