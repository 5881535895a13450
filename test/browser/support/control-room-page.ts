import type { Page } from 'playwright-core'

/** The control room's page, as an operator uses it. */
export class ControlRoomPage {
  readonly page: Page

  constructor(page: Page) {
    this.page = page
  }

  button = (name: string | RegExp) => this.page.getByRole('button', { name })
  text = (text: string | RegExp) => this.page.getByText(text)
  audit = (state: 'accounted' | 'running' | 'wrong' | 'lost') => this.page.locator(`.audit.${state}`)
  process = (name: string, state: string) => this.page.locator(`[data-process="${name}"][data-state="${state}"]`)
  sale = (id: string, state: string) => this.page.locator(`[data-sale="${id}"][data-state="${state}"]`)

  /** The figure beside a chart, as a number; NaN while there is none. */
  async figure(chart: string): Promise<number> {
    const text = await this.page.locator(`[data-figure="${chart}"]`).textContent()
    return Number((text ?? '').replaceAll(',', ''))
  }

  /** What is drawn, to be compared with later. */
  picture(chart: string): Promise<string> {
    return this.page
      .locator(`[data-chart="${chart}"] canvas`)
      .evaluate((canvas) => (canvas as HTMLCanvasElement).toDataURL())
  }
}
