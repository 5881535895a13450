import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { aptGetInstall, isDebian } from './apt.ts'

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']
const ON_MACOS = '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome'

/** @throws one sentence when there is none. */
export function chromium(): string {
  const path = find()
  if (!path)
    throw new Error(
      `Chromium not found. ${isDebian() ? 'Run: sudo apt-get install --no-install-recommends chromium' : `Install it, or Google Chrome, and have it on the PATH as one of ${NAMES.join(', ')}`}`,
    )
  return path
}

/** Installs it where we may; elsewhere the tests that need it say that it is missing, and all others run. */
export async function ensureChromium(say: (line: string) => void): Promise<void> {
  if (find() || process.getuid?.() !== 0 || !isDebian()) return
  say('Installing chromium with apt-get, for the tests of the pages …')
  await aptGetInstall(['chromium'], say)
}

function find(): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter).concat('/usr/bin')
  const paths = folders.flatMap((folder) => NAMES.map((name) => join(folder, name)))
  return [...paths, ON_MACOS].find((path) => existsSync(path))
}
