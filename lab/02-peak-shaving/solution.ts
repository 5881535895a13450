/**
 * The longest queue at which no buyer waits for more than `secondsMax`: by Little's law, length = rate × time.
 * @param perSecond orders that are worked off in a second
 */
export function queueLengthMax(perSecond: number, secondsMax: number): number {
  return perSecond * secondsMax
}
