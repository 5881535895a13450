import { startSystem, type System } from '../../support/system.ts'
import { startBrowser, type Visitor } from './browser.ts'
import { ShopPage } from './shop-page.ts'

/** A system, and buyers with a browser each. */
export interface ShopVisits {
  system: System
  /** Opens the shop at this origin in a new browser. */
  visit: (origin?: string) => Promise<Visitor & { shop: ShopPage }>
  /** Closes all browsers. */
  leave: () => Promise<void>
  close: () => Promise<void>
}

export async function startShopVisits(settings: Record<string, string>): Promise<ShopVisits> {
  const [system, browsers] = await Promise.all([startSystem(settings), startBrowser()])
  const visitors: Visitor[] = []
  return {
    system,
    async visit(origin = system.url('')) {
      const visitor = await browsers.visit(origin, {
        allowed: [`http://localhost:${system.env.PAYMENT_PROVIDER_PORT}`],
      })
      visitors.push(visitor)
      return { ...visitor, shop: new ShopPage(visitor.page) }
    },
    async leave() {
      for (const visitor of visitors.splice(0)) await visitor.close()
    },
    async close() {
      await browsers.close()
      await system.close()
    },
  }
}
