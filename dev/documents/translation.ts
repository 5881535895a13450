import { resolveLink } from './links.ts'
import type { Page } from './page.ts'

/** Which Chinese document tells what an English one tells, and the other way round; undefined for any other. */
export function counterpart(path: string): string | undefined {
  const [readme, folder = '', suffix] = /^(lab\/(?:[^/]+\/)?)?README(\.zh-CN)?\.md$/.exec(path) ?? []
  if (readme !== undefined) return `${folder}README${suffix ? '' : '.zh-CN'}.md`
  const [, chinese, name] = /^docs\/(zh\/)?([^/]+\.md)$/.exec(path) ?? []
  return name && (chinese ? `docs/${name}` : `docs/zh/${name}`)
}

/**
 * Where the translation does not say what the original says, as far as that can be seen without reading either: the
 * first difference in headings and code blocks; code within sentences, and the documents that are linked to.
 */
export function differences(original: Page, translation: Page): string[] {
  const [expected, found] = [original.outline, translation.outline]
  const longer = expected.length > found.length ? expected : found
  const at = longer.findIndex((_, i) => expected[i]?.line !== found[i]?.line)
  const quoted = ({ line, under }: Page['outline'][number]) => `"${line}" under "${under}"`
  return [
    ...(at < 0
      ? []
      : [
          `has ${found[at] ? quoted(found[at]) : 'no more'}, expected ${expected[at] ? quoted(expected[at]) : 'no more'}`,
        ]),
    ...differentSets('code', original.code, translation.code),
    ...differentSets(
      'link to',
      linkedFrom(original),
      linkedFrom(translation).map((target) => counterpart(target) ?? target),
    ),
  ].map((sentence) => `${translation.path}: ${sentence}`)
}

/** The documents that a page links to; pictures have the language in their names. */
const linkedFrom = (page: Page) =>
  page.links.filter((link) => !link.endsWith('.png')).map((link) => resolveLink(page, link)?.target ?? link)

function differentSets(kind: string, original: string[], translation: string[]): string[] {
  const missing = original.filter((item) => !translation.includes(item))
  const added = translation.filter((item) => !original.includes(item))
  return [
    ...[...new Set(missing)].map((item) => `the ${kind} ${item} is missing`),
    ...[...new Set(added)].map((item) => `the ${kind} ${item} is not in the original`),
  ]
}
