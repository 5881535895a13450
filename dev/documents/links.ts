import { posix } from 'node:path'
import type { Page } from './page.ts'

/** What documents may refer to. */
export interface Project {
  exists: (path: string) => boolean
  pages: Map<string, Page>
  /** Names of npm scripts. */
  scripts: string[]
  /** Folders at the root. */
  folders: string[]
}

/** Undefined when the link leaves the repository. */
export function resolveLink({ path }: Page, link: string): { target: string; anchor: string } | undefined {
  if (/^(https?:|mailto:)/.test(link)) return undefined
  const [file = '', anchor = ''] = link.split('#')
  return { target: file === '' ? path : posix.join(posix.dirname(path), file), anchor: decodeURIComponent(anchor) }
}

/** Links, pictures, paths and npm scripts of a page that do not exist. */
export function deadReferences(page: Page, { exists, pages, scripts, folders }: Project): string[] {
  const isDead = (link: string) => {
    const { target, anchor } = resolveLink(page, link) ?? { target: '', anchor: '' }
    return target !== '' && !(exists(target) && (anchor === '' || pages.get(target)?.anchors.includes(anchor)))
  }
  /** A file with an extension, or a folder that ends with a slash, from the root. */
  const isPath = (code: string) =>
    /^[\w.-]+\/([\w./-]*(\.\w+|\/))?$/.test(code) && folders.includes(code.split('/')[0] ?? '')
  const dead = [
    ...page.links.filter(isDead),
    ...page.code.filter((code) => isPath(code) && !exists(code)),
    ...page.scripts.filter((name) => !scripts.includes(name)).map((name) => `npm run ${name}`),
  ]
  return [...new Set(dead)].map((name) => `${page.path}: ${name} does not exist`)
}
