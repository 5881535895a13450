import { spawnSync } from 'node:child_process'
import { dirname } from 'node:path'

/** The guide for those who make the project their own shop. */
export const GUIDE = 'docs/forking.md'

/** The patches that the guide tells to apply, in its order. */
export function patchesOf(guide: string): string[] {
  return [...guide.matchAll(/^ *git apply (\S+)$/gm)].map(([, patch = '']) => patch)
}

/** What the guide tells to delete. */
export function deletionsOf(guide: string): string[] {
  return [...guide.matchAll(/^ *git rm -rq (.+)$/gm)].flatMap(([, paths = '']) => paths.split(' '))
}

/** Files that a patch changes or adds. */
export function filesOf(patch: string): string[] {
  return git(['apply', '--numstat', patch], process.cwd())
    .split('\n')
    .flatMap((line) => line.split('\t')[2] ?? [])
}

/**
 * Applies a patch in a folder, unless that has it already: a fork that has followed the guide keeps its tests.
 * @param patch absolute path
 * @throws with what git says when it does not apply
 */
export function applyPatch(patch: string, folder: string, ...options: string[]): void {
  if (isGood(['apply', '--reverse', '--check', patch], folder)) return
  git(['apply', ...options, patch], folder)
}

const isGood = (args: string[], folder: string) => spawnGit(args, folder).status === 0

function git(args: string[], folder: string): string {
  const { status, stdout, stderr } = spawnGit(args, folder)
  if (status !== 0) throw new Error(`git ${args.join(' ')}: ${stderr}`)
  return stdout
}

/** Without a look at folders above: within another repository git would leave out files that are not in it. */
const spawnGit = (args: string[], cwd: string) =>
  spawnSync('git', args, { cwd, encoding: 'utf8', env: { ...process.env, GIT_CEILING_DIRECTORIES: dirname(cwd) } })
