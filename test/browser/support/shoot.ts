import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { expect } from 'vitest'
import { smallPng } from './small-png.ts'

const FOLDER = join(import.meta.dirname, '../../../docs/screens')
/** They are read on GitHub, and kept for ever in its history. */
const BYTES_MAX = 150_000

/** Keeps a picture of what is seen now, as docs/screens/<name>.png. */
export async function shoot(page: Page, name: string): Promise<void> {
  await mkdir(FOLDER, { recursive: true })
  await page.evaluate(() => document.fonts.ready)
  const png = smallPng(await page.screenshot({ animations: 'disabled', caret: 'hide' }))
  expect(png.length, name).toBeLessThan(BYTES_MAX)
  await writeFile(join(FOLDER, `${name}.png`), png)
}
