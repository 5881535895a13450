import type { Page } from 'playwright-core'
import { type Demo, startDemo } from '../../support/demo.ts'
import { slowed } from '../../support/patience.ts'
import { type Browsers, PROJECTOR, startBrowser, type Visitor } from './browser.ts'
import { ControlRoomPage } from './control-room-page.ts'

/** A demo, and operators with a browser each. */
export interface ControlRoomVisits {
  demo: Demo
  browsers: Browsers
  origin: string
  /** Opens the page by the link that npm start prints; on a projector when no viewport is given. */
  enter: (
    options?: Parameters<Browsers['visit']>[1],
  ) => Promise<{ visitor: Visitor; page: Page; room: ControlRoomPage }>
  close: () => Promise<void>
}

export async function startControlRoomVisits(): Promise<ControlRoomVisits> {
  const [demo, browsers] = await Promise.all([
    startDemo({ ORDERS_PER_SECOND: String(40_000 / slowed(1_000)) }),
    startBrowser(),
  ])
  const origin = `http://127.0.0.1:${demo.env.CONTROL_ROOM_PORT}`
  return {
    demo,
    browsers,
    origin,
    async enter(options = { viewport: PROJECTOR }) {
      const visitor = await browsers.visit(origin, options)
      await visitor.page.goto(`${origin}/#token=${demo.env.ADMIN_TOKEN}`)
      const room = new ControlRoomPage(visitor.page)
      await room.audit('accounted').waitFor()
      return { visitor, page: visitor.page, room }
    },
    async close() {
      await browsers.close()
      await demo.close()
    },
  }
}
