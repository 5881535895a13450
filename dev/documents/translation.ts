import { resolveLink } from './links.ts'
import type { CodeBlock, Page, Section } from './page.ts'

/** Which Chinese document tells what an English one tells, and the other way round; undefined for any other. */
export function counterpart(path: string): string | undefined {
  if (path === 'README.md') return 'README.zh-CN.md'
  if (path === 'README.zh-CN.md') return 'README.md'
  const [, chinese, name] = /^docs\/(zh\/)?([^/]+\.md)$/.exec(path) ?? []
  return name && (chinese ? `docs/${name}` : `docs/zh/${name}`)
}

/**
 * Where the translation does not say what the original says, as far as that can be seen without reading either: the
 * levels of headings; then, heading by heading, code blocks, code within sentences, and links.
 */
export function differences(original: Page, translation: Page, pages: Map<string, Page>): string[] {
  const outlines = [original, translation].map(({ sections }) => sections.map(({ level }) => '#'.repeat(level)))
  const [expected = [], found = []] = outlines
  const at = Math.max(...outlines.map(({ length }) => length))
  for (let i = 0; i < at; i++) {
    if (expected[i] === found[i]) continue
    return [
      `${translation.path}: heading ${i} is ${nameOf(translation.sections[i])}, expected ${nameOf(original.sections[i])}`,
    ]
  }
  return original.sections.flatMap((section, i) => {
    const translated = translation.sections[i] as Section
    return [
      ...differentBlocks(section.blocks, translated.blocks),
      ...differentSets('code', section.inlineCode, translated.inlineCode),
      ...differentSets(
        'link',
        section.links.map((link) => meaning(original, link, pages)),
        translated.links.map((link) => meaning(translation, link, pages, (target) => counterpart(target) ?? target)),
      ),
    ].map((sentence) => `${translation.path}, ${nameOf(translated)}: ${sentence}`)
  })
}

const nameOf = (section: Section | undefined) => {
  if (!section) return 'missing'
  return section.level === 0 ? 'the beginning' : `"${'#'.repeat(section.level)} ${section.title}"`
}

function differentBlocks(original: CodeBlock[], translation: CodeBlock[]): string[] {
  if (original.length !== translation.length) return [`${translation.length} code blocks, expected ${original.length}`]
  return original.flatMap((block, i) => {
    const expected = codeOf(block)
    const found = codeOf(translation[i] as CodeBlock)
    const line = expected.findIndex((text, at) => text !== found[at])
    if (line < 0 && expected.length === found.length) return []
    const at = line < 0 ? expected.length : line
    return [`code block ${i + 1} has ${quoted(found[at])}, expected ${quoted(expected[at])}`]
  })
}

const quoted = (line: string | undefined) => (line === undefined ? 'no further line' : `"${line}"`)

/** What people read and programs do not, by language: comments, and the labels of diagrams. */
const WORDS: Record<string, RegExp> = {
  sh: /(^|\s+)# .*$/,
  console: /(^|\s+)# .*$/,
  ts: /\s*\/\/ .*$/,
  mermaid: /: .*$| as .*$/,
}

function codeOf({ language, lines }: CodeBlock): string[] {
  const words = WORDS[language]
  return [language, ...lines.map((line) => (words ? line.replace(words, '') : line))]
}

/** Where a link leads, told by the original's paths and by the number of the heading there, so that translations agree. */
function meaning(
  { path }: Page,
  link: string,
  pages: Map<string, Page>,
  toOriginal = (target: string) => target,
): string {
  const target = resolveLink(path, link)
  if (!target) return link
  const heading = pages.get(target.path)?.sections.findIndex(({ anchor }) => anchor === target.anchor)
  return toOriginal(target.path) + (target.anchor === '' ? '' : `, heading ${heading ?? 'unknown'}`)
}

function differentSets(kind: string, original: string[], translation: string[]): string[] {
  const missing = original.filter((item) => !translation.includes(item))
  const added = translation.filter((item) => !original.includes(item))
  return [
    ...[...new Set(missing)].map((item) => `${kind} ${item} is missing`),
    ...[...new Set(added)].map((item) => `${kind} ${item} is not in the original`),
  ]
}
