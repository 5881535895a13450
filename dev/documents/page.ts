/** A Markdown document, as far as its translation and its links are compared. */
export interface Page {
  /** From the repository's root, with slashes. */
  path: string
  /** Headings, of which it holds the level, and the lines of code blocks, in their order. */
  outline: { line: string; under: string }[]
  /** What the headings are called in links, as GitHub makes it. */
  anchors: string[]
  /** Code within sentences; not of generated parts, which are words of their generator. */
  code: string[]
  /** Of links and pictures. */
  links: string[]
  /** Of `npm run`. */
  scripts: string[]
}

const HEADING_OR_BLOCK = /^(?<level>#{1,6}) (?<title>.+)$|^ *```(?<language>\w*)\n(?<lines>[^]*?)^ *```$/gm
const GENERATED = /<!-- (\w+):begin -->[^]*?<!-- \1:end -->/g

/** What people read and programs do not, by language: comments, and the labels of diagrams. */
const WORDS: Record<string, RegExp> = {
  sh: /(^|\s+)# .*$/,
  ts: /\s*\/\/ .*$/,
  mermaid: /: .*$| as .*$/,
}

export function parsePage(path: string, text: string): Page {
  const outline: Page['outline'] = []
  const titles: string[] = []
  for (const { groups = {} } of text.matchAll(HEADING_OR_BLOCK)) {
    const { level, title = '', language = '', lines = '' } = groups
    if (level) titles.push(title)
    const under = titles.at(-1) ?? 'the beginning'
    if (level) outline.push({ line: level, under })
    else
      for (const line of [`\`\`\`${language}`, ...lines.split('\n')])
        outline.push({ line: line.trim().replace(WORDS[language] ?? /^$/, ''), under })
  }
  const prose = text.replaceAll(HEADING_OR_BLOCK, '')
  const all = (pattern: RegExp, within = prose) => [...within.matchAll(pattern)].map(([, found = '']) => found)
  return {
    path,
    outline,
    anchors: anchorsOf(titles),
    code: all(/`([^`]+)`/g, prose.replaceAll(GENERATED, '')).map((code) => code.replaceAll(/\s+/g, ' ')),
    links: all(/\[[^\]]*\]\(([^)\s]+)\)/g),
    scripts: all(/npm run (?:-s )?([a-z][\w:-]*)/g, text),
  }
}

/** GitHub's rule: lower case, no punctuation, hyphens for blanks, a number for a repeated one. */
function anchorsOf(titles: string[]): string[] {
  const plain = titles.map((title) =>
    title
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{M}\p{N}\p{Pc}\- ]/gu, '')
      .replaceAll(' ', '-'),
  )
  return plain.map((anchor, i) => {
    const earlier = plain.slice(0, i).filter((other) => other === anchor).length
    return earlier === 0 ? anchor : `${anchor}-${earlier}`
  })
}
