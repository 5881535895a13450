import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { checkGuide } from './check-guide.ts'

const PATCH = `diff --git a/name.txt b/name.txt
--- a/name.txt
+++ b/name.txt
@@ -1 +1 @@
-Seckill
+Lemons
`
const STEPS = '\n| [name](#name) | 1 | 3 |\n\n## Name\n\ngit apply docs/forking/name.patch\ngit rm -rq lab\n'

function project({ name = 'Seckill\n', guide = STEPS, patches = ['name'] } = {}): string {
  const root = mkdtempSync(join(tmpdir(), 'fork-'))
  onTestFinished(() => rmSync(root, { recursive: true }))
  for (const folder of ['docs/forking', 'lab']) mkdirSync(join(root, folder), { recursive: true })
  writeFileSync(join(root, 'name.txt'), name)
  writeFileSync(join(root, 'docs/forking.md'), guide)
  for (const patch of patches) writeFileSync(join(root, `docs/forking/${patch}.patch`), PATCH)
  return root
}

test('a guide whose patches apply, or are applied already, passes', () => {
  expect(checkGuide(project())).toEqual([])
  expect(checkGuide(project({ name: 'Lemons\n' }))).toEqual([])
})

test('a patch of lines that have changed since is named, with what to do', () => {
  const [complaint, ...others] = checkGuide(project({ name: 'Pears\n' }))
  expect(complaint).toMatch(/^docs\/forking\/name\.patch: .*name\.txt[^]*or delete it$/)
  expect(others).toEqual([])
})

test.each([
  ['a patch that no step applies', { patches: ['name', 'other'] }, 'other.patch: docs/forking.md does not tell'],
  ['a patch that is missing', { patches: [], guide: STEPS.replace('| 1 |', '| 0 |') }, 'name.patch does not exist'],
  ['a folder that is gone', { guide: STEPS.replace('lab', 'labs') }, 'labs, which it tells to delete, does not exist'],
  ['a wrong number of files', { guide: STEPS.replace('| 1 |', '| 2 |') }, 'name touches 1 files, and the table says 2'],
])('%s is named', (_what, changed, complaint) => {
  expect(checkGuide(project(changed))).toEqual([expect.stringContaining(complaint)])
})
