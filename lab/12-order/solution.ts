import type { Change } from './changes.ts'

/** @returns the partition that change number `n` of all goes to: 0 to `partitions` - 1 */
export function partitionOf({ row }: Change, _n: number, partitions: number): number {
  return row % partitions // All changes of a row are in the same one.
}
