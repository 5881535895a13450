import { readFileSync } from 'node:fs'
import { execa } from 'execa'
import { expect, test } from 'vitest'

/** Preloaded, it makes this node say that it is another. */
const pretend = (what: string) => `data:text/javascript,${encodeURIComponent(what)}`
const run = (what: string) =>
  execa('node', ['dev/run.mjs', 'cli/urls.ts'], { reject: false, env: { NODE_OPTIONS: `--import=${pretend(what)}` } })

test.each(['12.22.12', '18.20.4', '20.18.9', '22.11.0', '23.9.0'])(
  'node %s is told which versions are needed, in one sentence',
  async (version) => {
    const { stderr, exitCode } = await run(`Object.defineProperty(process.versions, 'node', { value: '${version}' })`)
    expect(exitCode).toBe(1)
    expect(stderr).toBe(
      `This is node ${version}; expected ^20.19 || ^22.12 || >=24. Install one of these, for example from https://nodejs.org`,
    )
  },
)

test('Windows is told to use WSL', async () => {
  const { stderr } = await run('Object.defineProperty(process, "platform", { value: "win32" })')
  expect(stderr).toMatch(/^This is Windows, .* Use WSL: \S+$/)
})

test('an old node can read the file that checks its version: it parses all of it first', () => {
  const source = readFileSync('dev/run.mjs', 'utf8').replaceAll(/^\/\/.*$/gm, '')
  expect(source).not.toMatch(
    /import\.meta\.(?!url)|from 'node:|\?\?|\?\.[a-z[(]|^await |\|\|=|&&=|\d_\d|#[a-z]|\.at\(|static \{/m,
  )
})
