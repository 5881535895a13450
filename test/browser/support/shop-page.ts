import type { Page } from 'playwright-core'

/** The shop's page as a buyer uses it, by what stands on it. */
export class ShopPage {
  readonly page: Page

  constructor(page: Page) {
    this.page = page
  }

  async signIn(name: string): Promise<void> {
    await this.page.getByLabel('Your name').fill(name)
    await this.page.getByRole('button', { name: 'Sign in' }).click()
  }

  button = (name: string | RegExp) => this.page.getByRole('button', { name })
  heading = (name: string | RegExp) => this.page.getByRole('heading', { name })

  /** Waits until the order stands there with its payment. */
  async buyUntilOrdered(): Promise<void> {
    await this.button('Buy now').click()
    await this.heading('Your order is waiting').waitFor()
  }
}
