/**
 * The longest queue at which nobody waits longer than `secondsMax`: by Little's law, length = rate × time.
 * @param perSecond orders that are worked off in a second
 */
export function queueLengthMax(perSecond: number, secondsMax: number): number {
  return perSecond * secondsMax
}
