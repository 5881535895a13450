import { posix } from 'node:path'
import type { Page } from './page.ts'

/** What documents may refer to. */
export interface Project {
  exists: (path: string) => boolean
  pages: Map<string, Page>
  /** Names of npm scripts. */
  scripts: Set<string>
  /** Folders at the root. */
  folders: Set<string>
}

const OUTSIDE = /^(https?:|mailto:)/

export interface Target {
  path: string
  anchor: string
}

/** Undefined when the link leaves the repository. */
export function resolveLink(from: string, link: string): Target | undefined {
  if (OUTSIDE.test(link)) return undefined
  const [file = '', anchor = ''] = link.split('#')
  return {
    path: file === '' ? from : posix.join(posix.dirname(from), file),
    anchor: decodeURIComponent(anchor),
  }
}

/** Links, pictures, paths and npm scripts of a page that do not exist. */
export function deadReferences(page: Page, project: Project): string[] {
  const dead: string[] = []
  for (const { links, pictures, inlineCode } of page.sections) {
    for (const link of [...links, ...pictures]) {
      const target = resolveLink(page.path, link)
      if (target && !leadsSomewhere(target, project)) dead.push(`${link} leads nowhere`)
    }
    for (const code of inlineCode)
      if (isPath(code, project) && !project.exists(code)) dead.push(`${code} does not exist`)
  }
  for (const [, script = ''] of page.text.matchAll(/npm run (?:-s )?([a-z][\w:-]*)/g))
    if (!project.scripts.has(script)) dead.push(`npm run ${script} does not exist`)
  return [...new Set(dead)].map((sentence) => `${page.path}: ${sentence}`)
}

function leadsSomewhere({ path, anchor }: Target, { exists, pages }: Project): boolean {
  if (!exists(path)) return false
  return anchor === '' || (pages.get(path)?.sections.some((section) => section.anchor === anchor) ?? false)
}

/** A file with an extension, or a folder that ends with a slash, from the root. */
const isPath = (code: string, { folders }: Project) =>
  /^[\w.-]+\/([\w./-]*(\.\w+|\/))?$/.test(code) && folders.has(code.slice(0, code.indexOf('/')))
