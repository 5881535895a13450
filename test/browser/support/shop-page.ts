import type { Page } from 'playwright-core'
import { createTokens } from '../../../core/platform/http/tokens.ts'
import { eventually } from '../../support/eventually.ts'
import { callUntilAvailable } from '../../support/http-client.ts'
import type { System } from '../../support/system.ts'

const CLICK_MS = 1_000
const ORDERED_WITHIN_MS = 60_000

/** The shop's page, operated by its visible texts. */
export class ShopPage {
  readonly page: Page

  constructor(page: Page) {
    this.page = page
  }

  button = (name: string | RegExp) => this.page.getByRole('button', { name })

  /** Waits until the page shows this text. */
  async says(title: string): Promise<void> {
    await this.page.getByText(title, { exact: true }).first().waitFor()
  }

  async open(saleId: string): Promise<void> {
    await this.page.goto(`${new URL(this.page.url()).origin}/#/${saleId}`)
  }

  async signIn(name: string): Promise<void> {
    await this.page.getByLabel('Your name').fill(name)
    await this.page.getByRole('button', { name: 'Sign in' }).click()
  }

  async buy(): Promise<void> {
    await this.button('Buy now').click()
  }

  /** Presses the button whenever it is enabled, until an order waits for its money: a slow shop may be busy. */
  async buyUntilOrdered(): Promise<void> {
    const waiting = this.page.getByText('Your order is waiting', { exact: true }).first()
    const enabled = this.page.getByRole('button', { name: /^(Buy now|Try again)$/, disabled: false })
    const either = enabled.or(waiting).first()
    await eventually(
      'an order',
      async () => {
        await either.waitFor()
        if (await waiting.isVisible()) return true
        // It may be gone or disabled again by now.
        await enabled.click({ timeout: CLICK_MS }).catch((error: Error) => {
          if (error.name !== 'TimeoutError') throw error
        })
        return false
      },
      (isWaiting) => isWaiting,
      ORDERED_WITHIN_MS,
    )
  }

  /** From the sale to an order that waits for its money. */
  async order(saleId: string, name: string): Promise<void> {
    await this.open(saleId)
    await this.signIn(name)
    await this.buyUntilOrdered()
  }

  /** Over the payment provider's page, and back. */
  async pay(): Promise<void> {
    await this.button(/^Pay ¥/).click()
    await this.page.waitForURL(/\/pay\//)
    await this.page.getByRole('button', { name: /^Pay ¥/ }).click()
    await this.page.getByRole('link', { name: 'Back to the shop' }).click()
  }
}

/** Pays the only order of a sale, from elsewhere. */
export async function payElsewhere({ world, env, url }: System, saleId: string): Promise<void> {
  const { sign } = createTokens(env.TOKEN_SECRET ?? '')
  const { id, buyerId } = await world.database.order.findFirstOrThrow({ where: { saleId } })
  const { body } = await callUntilAvailable('POST', url(`/orders/${id}/payments`), { token: sign(buyerId) })
  const paid = await callUntilAvailable('POST', String(body.url), { headers: { accept: 'application/json' } })
  if (paid.status !== 200) throw new Error(`Not paid: ${paid.text}`)
}
