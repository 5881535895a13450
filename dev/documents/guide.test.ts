import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { applyPatch, deletionsOf, filesOf, GUIDE, patchesOf } from './guide.ts'

const ROOT = join(import.meta.dirname, '../..')
const guide = readFileSync(join(ROOT, GUIDE), 'utf8')
const patches = patchesOf(guide)

/** A folder with the files that the patches are about. */
function copyOf(files: string[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'guide-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  for (const file of files.filter((path) => existsSync(join(ROOT, path)))) {
    mkdirSync(dirname(join(folder, file)), { recursive: true })
    cpSync(join(ROOT, file), join(folder, file))
  }
  return folder
}

/** To mend one: apply it with --3way, and write `git diff HEAD` over it. */
describe('the guide for forks', () => {
  test('applies every patch that stands beside it', () => {
    const beside = readdirSync(join(ROOT, 'docs/forking')).map((name) => `docs/forking/${name}`)
    expect(patches.toSorted()).toEqual(beside.toSorted())
  })

  test.each(patches)('%s applies to the project as it is', (patch) => {
    const folder = copyOf(filesOf(join(ROOT, patch)))
    expect(() => applyPatch(join(ROOT, patch), folder)).not.toThrow()
  })

  test('its steps apply one after another', () => {
    const folder = copyOf(patches.flatMap((patch) => filesOf(join(ROOT, patch))))
    expect(() => patches.forEach((patch) => applyPatch(join(ROOT, patch), folder))).not.toThrow()
  })

  test('says how many files each step touches', () => {
    const [table = '', ...sections] = guide.split('\n## ')
    const said = [...table.matchAll(/^\| \[(.+)\]\(#.*\) \| (\d+) \|/gm)].map(([, step, files]) => [
      step,
      Number(files),
    ])
    const counted = sections
      .slice(1, -1)
      .map((section) => [
        section.split('\n')[0]?.toLowerCase(),
        patchesOf(section).flatMap((patch) => filesOf(join(ROOT, patch))).length,
      ])
    expect(said).toEqual(counted)
  })

  test('deletes what exists', () => {
    expect(deletionsOf(guide).filter((path) => !existsSync(join(ROOT, path)))).toEqual([])
  })

  test('a patch whose lines have changed is refused', () => {
    const patch = join(ROOT, 'docs/forking/name.patch')
    expect(() => applyPatch(patch, copyOf(['web/shared/theme.css']))).toThrow('brand.ts')
  })
})
