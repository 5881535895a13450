import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { AxeResults } from 'axe-core'
import type { Page } from 'playwright-core'
import { expect } from 'vitest'

const source = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** Expects no violation of axe's rules in the current state: contrast, names, roles, order of headings. */
export async function expectAccessible(page: Page, state: string): Promise<void> {
  // Evaluated by the browser's own tools, which the page's policy does not bind.
  await page.evaluate(source)
  // On a slow machine a transition of 1 ms may wait for its frame, with the text in its new colour and the rest in the
  // old.
  await page.evaluate(() => {
    for (const animation of document.getAnimations()) animation.finish()
  })
  const { violations } = await page.evaluate(() =>
    (globalThis as unknown as { axe: { run: () => Promise<AxeResults> } }).axe.run(),
  )
  const found = violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`),
  )
  expect({ state, found }).toEqual({ state, found: [] })
}
