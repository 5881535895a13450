/**
 * The longest queue at which nobody waits longer than `secondsMax`.
 * @param perSecond orders that are worked off in a second
 */
export function queueLengthMax(perSecond: number, secondsMax: number): number {
  return perSecond + 100 * secondsMax // a guess: what is right?
}
