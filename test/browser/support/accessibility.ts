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
  // Else the text has its new colour, and the rest the old. What inherits a colour begins a transition of its own once
  // the other has ended.
  await page.evaluate(async () => {
    const running = () => document.getAnimations().filter(({ playState }) => playState === 'running')
    for (let some = running(); some.length > 0; some = running()) {
      for (const animation of some) animation.finish()
      await new Promise(requestAnimationFrame)
    }
  })
  const { violations } = await page.evaluate(() =>
    (globalThis as unknown as { axe: { run: () => Promise<AxeResults> } }).axe.run(),
  )
  const found = violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`),
  )
  expect({ state, found }).toEqual({ state, found: [] })
}
