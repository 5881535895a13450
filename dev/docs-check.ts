/**
 * Usage: npm run docs-check
 * Exits 1 when a document differs from its translation in headings, code or links, or when a link, picture, path or npm
 * script that a document names does not exist, when a command has a prompt and so cannot be pasted, when a row of
 * docs/reliability.md names no test, when no document shows a picture of docs/screens, or when a patch of the guide for
 * forks does not apply.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { commandLine } from '../core/platform/process/command-line.ts'
import { checkGuide } from './documents/check-guide.ts'
import { deadReferences, resolveLink } from './documents/links.ts'
import { parsePage } from './documents/page.ts'
import { rowsWithoutProof } from './documents/proofs.ts'
import { differences, counterpart } from './documents/translation.ts'

commandLine()

const ROOT = join(import.meta.dirname, '..')
const UNTRANSLATED = ['CHANGELOG.md', 'loadtest/README.md', 'core/contracts/GLOSSARY.md']

const read = (path: string) => readFileSync(join(ROOT, path), 'utf8')
const namesIn = (folder: string) => readdirSync(join(ROOT, folder))
const documentsIn = (folder: string) =>
  namesIn(folder).flatMap((name) => (name.endsWith('.md') ? [`${folder}/${name}`] : []))

const labs = ['lab', ...namesIn('lab').flatMap((name) => (/^\d\d-/.test(name) ? [`lab/${name}`] : []))]
const originals = ['README.md', ...documentsIn('docs'), ...labs.map((folder) => `${folder}/README.md`)]
const translations = [...documentsIn('docs/zh'), ...['.', ...labs].map((folder) => join(folder, 'README.zh-CN.md'))]
const paths = [...originals, ...translations, ...UNTRANSLATED].filter((path) => existsSync(join(ROOT, path)))
const pages = new Map(paths.map((path) => [path, parsePage(path, read(path))]))
const project = {
  pages,
  exists: (path: string) => existsSync(join(ROOT, path)),
  scripts: Object.keys((JSON.parse(read('package.json')) as { scripts: object }).scripts),
  folders: namesIn('.'),
}

const complaints = [...pages.values()].flatMap((page) => {
  const dead = deadReferences(page, project)
  const other = counterpart(page.path)
  if (!other) return dead
  const translation = pages.get(other)
  if (!translation) return [...dead, `${page.path}: ${other} is missing`]
  return originals.includes(page.path) ? [...dead, ...differences(page, translation)] : dead
})

const shown = [...pages.values()].flatMap((page) => page.links.map((link) => resolveLink(page, link)?.target))
for (const path of namesIn('docs/screens').map((name) => `docs/screens/${name}`))
  if (!shown.includes(path)) complaints.push(`${path}: no document shows it`)
for (const row of rowsWithoutProof(read('docs/reliability.md')))
  complaints.push(`docs/reliability.md: the row "${row}" names no test`)
for (const { path, outline } of pages.values())
  for (const { line, under } of outline)
    if (line.startsWith('$ ')) complaints.push(`${path}: "${line}" under "${under}" has a prompt: it cannot be pasted`)
complaints.push(...checkGuide(ROOT))

for (const complaint of complaints) console.error(complaint)
if (complaints.length > 0) process.exitCode = 1
else
  console.log(
    `${pages.size} documents: translations agree, every link leads somewhere, and the patches of the guide apply.`,
  )
