import { type Browser, type BrowserContextOptions, chromium as driver, type Page } from 'playwright-core'
import { expect } from 'vitest'
import { pathOf } from '../../../dev/servers/binaries.ts'
import { stretched } from '../../support/patience.ts'

/** Generous, because a busy machine is slow; every wait is for a condition. */
const PATIENCE_MS = 25_000
const START_TAKES_MS = 60_000

/** On a machine so slow that a server exceeds its time limits; the pages show it, and ask again. */
const UNAVAILABLE = /the server responded with a status of 503/

export const PHONE = { width: 390, height: 844 }
export const LAPTOP = { width: 1_280, height: 800 }
export const PROJECTOR = { width: 1_920, height: 1_080 }

/** A browser with storage of its own, and the errors that occurred in it. */
export interface Visitor {
  page: Page
  /** Another tab of the same browser. */
  tab: () => Promise<Page>
  /** Console errors, violations of the policy, and requests to elsewhere; the tests of the connection expect some. */
  faults: string[]
  close: () => Promise<void>
}

export interface VisitOptions extends BrowserContextOptions {
  /** Origins besides the page's own that may be asked. */
  allowed?: string[]
}

export interface Browsers {
  visit: (origin: string, options?: VisitOptions) => Promise<Visitor>
  close: () => Promise<void>
}

export async function startBrowser(): Promise<Browsers> {
  const browser: Browser = await driver.launch({
    executablePath: pathOf('chromium'),
    timeout: stretched(START_TAKES_MS),
  })
  return {
    visit: (origin, options = {}) => visit(browser, origin, options),
    close: () => browser.close(),
  }
}

async function visit(browser: Browser, origin: string, { allowed = [], ...options }: VisitOptions): Promise<Visitor> {
  // Reduced motion, because an animated picture never becomes stable.
  const context = await browser.newContext({ viewport: PHONE, locale: 'en-GB', reducedMotion: 'reduce', ...options })
  context.setDefaultTimeout(stretched(PATIENCE_MS))
  const faults: string[] = []
  context.on('console', (message) => {
    const isFault = message.type() === 'error' || message.type() === 'warning'
    if (isFault && !UNAVAILABLE.test(message.text())) faults.push(`${message.type()}: ${message.text()}`)
  })
  context.on('weberror', (error) => faults.push(`uncaught: ${error.error().message}`))
  context.on('request', (request) => {
    if (![origin, ...allowed].includes(new URL(request.url()).origin)) faults.push(`request to ${request.url()}`)
  })
  // Violations reach the console, too, but only as text.
  await context.exposeBinding('violated', (_source, what: string) => {
    faults.push(`policy: ${what}`)
  })
  await context.addInitScript(() => {
    addEventListener('securitypolicyviolation', (event) => {
      void (globalThis as unknown as { violated: (what: string) => Promise<void> }).violated(
        `${event.violatedDirective} ${event.blockedURI}`,
      )
    })
  })
  const tab = async () => {
    const page = await context.newPage()
    await page.goto(origin)
    return page
  }
  return { page: await tab(), tab, faults, close: () => context.close() }
}

/** Expects no errors in this browser. */
export function expectNoFaults({ faults }: Visitor): void {
  expect(faults).toEqual([])
}
