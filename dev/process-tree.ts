import { execFileSync } from 'node:child_process'

/**
 * Signals a process and everything that descends from it: a gateway's workers and PostgreSQL's backends would go on
 * without the one above them. The root first, so that it starts nothing more meanwhile.
 */
export function signalTree(root: number, signal: NodeJS.Signals): void {
  if (root <= 0) return
  for (const pid of treeOf(root)) {
    try {
      process.kill(pid, signal)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    }
  }
}

function treeOf(root: number): number[] {
  const pairs = execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' })
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
  const tree = [root]
  // The list grows during the loop: children are appended.
  for (const parent of tree)
    tree.push(...pairs.flatMap(([pid, ppid]) => (ppid === parent && pid !== undefined ? [pid] : [])))
  return tree
}
