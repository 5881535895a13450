/**
 * Usage: npm run docs-check
 * Exits 1 when a document differs from its translation in headings, code or links, or when a link, picture, path or npm
 * script that a document names does not exist, or when no document shows a picture of docs/screens.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { commandLine } from '../core/platform/process/command-line.ts'
import { deadReferences, resolveLink } from './documents/links.ts'
import { parsePage } from './documents/page.ts'
import { counterpart, differences } from './documents/translation.ts'

commandLine()

const ROOT = join(import.meta.dirname, '..')
const UNTRANSLATED = ['CHANGELOG.md', 'loadtest/README.md', 'lab/README.md', 'core/contracts/GLOSSARY.md']

const read = (path: string) => readFileSync(join(ROOT, path), 'utf8')
const namesIn = (folder: string) => readdirSync(join(ROOT, folder), { withFileTypes: true })
const documentsIn = (folder: string) =>
  namesIn(folder)
    .filter(({ name }) => name.endsWith('.md'))
    .map(({ name }) => `${folder}/${name}`)

const translated = ['README.md', 'README.zh-CN.md', ...documentsIn('docs'), ...documentsIn('docs/zh')]
const pages = new Map([...translated, ...UNTRANSLATED].map((path) => [path, parsePage(path, read(path))]))
const project = {
  exists: (path: string) => existsSync(join(ROOT, path)),
  pages,
  scripts: new Set(Object.keys((JSON.parse(read('package.json')) as { scripts: object }).scripts)),
  folders: new Set(
    namesIn('.')
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name),
  ),
}

const complaints = [...pages.values()].flatMap((page) => {
  const other = counterpart(page.path)
  if (other === undefined) return deadReferences(page, project)
  const translation = pages.get(other)
  if (!translation) return [...deadReferences(page, project), `${page.path}: ${other} is missing`]
  const isOriginal = page.path === 'README.md' || other.startsWith('docs/zh/')
  return [...deadReferences(page, project), ...(isOriginal ? differences(page, translation, pages) : [])]
})

const shown = new Set(
  [...pages.values()].flatMap(({ path, sections }) =>
    sections.flatMap(({ pictures }) => pictures.map((picture) => resolveLink(path, picture)?.path)),
  ),
)
for (const { name } of namesIn('docs/screens'))
  if (!shown.has(`docs/screens/${name}`)) complaints.push(`docs/screens/${name}: no document shows it`)

for (const complaint of complaints) console.error(complaint)
if (complaints.length > 0) process.exitCode = 1
else console.log(`${pages.size} documents: translations agree, and every link leads somewhere.`)
