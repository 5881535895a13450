/** A Markdown document, as far as its translation and its links are compared. */
export interface Page {
  /** From the repository's root, with slashes. */
  path: string
  text: string
  /** The first one holds what stands before the first heading. */
  sections: Section[]
}

export interface Section {
  /** 0 before the first heading. */
  level: number
  title: string
  /** What the heading is called in links, as GitHub makes it; empty before the first heading. */
  anchor: string
  blocks: CodeBlock[]
  /** Code within sentences; not of generated parts, which are words of their generator. */
  inlineCode: string[]
  links: string[]
  pictures: string[]
}

export interface CodeBlock {
  language: string
  lines: string[]
}

const GENERATED = /<!-- (\w+):begin -->[^]*?<!-- \1:end -->/g
const INLINE_CODE = /`([^`]+)`/g
/** Of a picture with an exclamation mark before it. */
const LINK = /(!?)\[[^\]]*\]\(([^)\s]+)\)/g

export function parsePage(path: string, text: string): Page {
  const anchors = new Map<string, number>()
  const sections = [newSection(0, '', '')]
  let prose: string[] = []
  let block: CodeBlock | undefined
  const current = () => sections.at(-1) as Section

  for (const line of text.split('\n')) {
    const fence = /^\s*```(\w*)/.exec(line)
    const heading = /^(#{1,6}) (.+)$/.exec(line)
    if (block && fence) block = undefined
    else if (block) block.lines.push(line.trim())
    else if (fence) {
      block = { language: fence[1] ?? '', lines: [] }
      current().blocks.push(block)
    } else if (heading) {
      readProse(current(), prose.join('\n'))
      prose = []
      const title = heading[2] ?? ''
      sections.push(newSection(heading[1]?.length ?? 0, title, anchorOf(title, anchors)))
    } else prose.push(line)
  }
  readProse(current(), prose.join('\n'))
  return { path, text, sections }
}

const newSection = (level: number, title: string, anchor: string): Section => ({
  level,
  title,
  anchor,
  blocks: [],
  inlineCode: [],
  links: [],
  pictures: [],
})

function readProse(section: Section, prose: string): void {
  for (const [, code = ''] of prose.replaceAll(GENERATED, '').matchAll(INLINE_CODE))
    section.inlineCode.push(code.replaceAll(/\s+/g, ' '))
  for (const [, mark, target = ''] of prose.matchAll(LINK)) (mark ? section.pictures : section.links).push(target)
}

/** GitHub's rule: lower case, no punctuation, hyphens for blanks, a number for a repeated one. */
function anchorOf(title: string, known: Map<string, number>): string {
  const anchor = title
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{M}\p{N}\p{Pc}\- ]/gu, '')
    .replaceAll(' ', '-')
  const earlier = known.get(anchor) ?? 0
  known.set(anchor, earlier + 1)
  return earlier === 0 ? anchor : `${anchor}-${earlier}`
}
