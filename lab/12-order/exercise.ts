import type { Change } from './changes.ts'

/** @returns the partition that change number `n` of all goes to: 0 to `partitions` - 1 */
export function partitionOf(_change: Change, n: number, partitions: number): number {
  return n % partitions // All partitions get equally much, but …
}
