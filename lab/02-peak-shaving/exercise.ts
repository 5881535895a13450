/**
 * The longest queue at which no buyer waits for more than `secondsMax`.
 * @param perSecond orders that are worked off in a second
 */
export function queueLengthMax(perSecond: number, secondsMax: number): number {
  return perSecond + 100 * secondsMax // a guess: what is right?
}
