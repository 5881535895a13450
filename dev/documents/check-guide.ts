import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { applyPatch, deletionsOf, filesOf, GUIDE, patchesOf } from './guide.ts'

/** What the guide for forks says of the project below `root` that is not so. */
export function checkGuide(root: string): string[] {
  const guide = readFileSync(join(root, GUIDE), 'utf8')
  const named = patchesOf(guide)
  const beside = readdirSync(join(root, 'docs/forking')).map((name) => `docs/forking/${name}`)
  return [
    ...beside.filter((patch) => !named.includes(patch)).map((patch) => `${patch}: ${GUIDE} does not tell to apply it`),
    ...named.filter((patch) => !beside.includes(patch)).map((patch) => `${GUIDE}: ${patch} does not exist`),
    ...deletionsOf(guide)
      .filter((path) => !existsSync(join(root, path)))
      .map((path) => `${GUIDE}: ${path}, which it tells to delete, does not exist`),
    ...applyInOrder(
      root,
      named.filter((patch) => beside.includes(patch)),
    ),
    ...miscounted(root, guide),
  ]
}

/** Each patch in a copy of the files that it is about, as the steps are independent, and all of them in one. */
function applyInOrder(root: string, patches: string[]): string[] {
  const sets = [...patches.map((patch) => [patch]), patches]
  return [...new Set(sets.flatMap((set) => applyInCopy(root, set)))]
}

function applyInCopy(root: string, patches: string[]): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'guide-'))
  try {
    for (const file of new Set(patches.flatMap((patch) => filesOf(join(root, patch))))) {
      if (!existsSync(join(root, file))) continue
      mkdirSync(dirname(join(folder, file)), { recursive: true })
      cpSync(join(root, file), join(folder, file))
    }
    return patches.flatMap((patch) => {
      try {
        applyPatch(join(root, patch), folder)
        return []
      } catch (error) {
        return [`${patch}: ${String(error)}. Apply it with --3way and write "git diff HEAD" over it, or delete it`]
      }
    })
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** Steps whose number of files in the table is not that of their patches. */
function miscounted(root: string, guide: string): string[] {
  const [table = '', ...sections] = guide.split('\n## ')
  return [...table.matchAll(/^\| \[(.+)\]\(#.*\) \| (\d+) \|/gm)].flatMap(([, step = '', files]) => {
    const section = sections.find((text) => text.split('\n')[0]?.toLowerCase() === step) ?? ''
    const patches = patchesOf(section).filter((patch) => existsSync(join(root, patch)))
    const counted = patches.flatMap((patch) => filesOf(join(root, patch))).length
    return counted === Number(files) ? [] : [`${GUIDE}: ${step} touches ${counted} files, and the table says ${files}`]
  })
}
