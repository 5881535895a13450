import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { usageOf } from './usage.mjs'

const CHECKOUT = join(import.meta.dirname, '../../..')
const { scripts } = JSON.parse(readFileSync(join(CHECKOUT, 'package.json'), 'utf8')) as {
  scripts: Record<string, string>
}
/** The npm scripts that run a file of ours; the others run tools with a --help of their own. */
const commands = Object.entries(scripts).flatMap(([name, script]) => {
  const [, words] = /node dev\/run\.mjs (.+)$/.exec(script) ?? []
  return words === undefined ? [] : [{ name, words: words.split(' ') }]
})
const files = [...new Set(commands.map(({ words: [file = ''] }) => file))]
/** These pass unknown options on to vitest and k6. */
const PASSING_ON = ['dev/test.ts', 'loadtest/run.ts']

async function run(words: string[]): Promise<{ code: number | null; out: string; err: string }> {
  const child = spawn(process.execPath, ['dev/run.mjs', ...words], { cwd: CHECKOUT, stdio: ['ignore', 'pipe', 'pipe'] })
  const said = { out: '', err: '' }
  child.stdout.on('data', (text) => {
    said.out += String(text)
  })
  child.stderr.on('data', (text) => {
    said.err += String(text)
  })
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, ...said }
}

test('every script of package.json that runs our code is among the commands of this test', () => {
  expect(commands.length).toBeGreaterThan(20)
  expect(
    Object.entries(scripts).filter(
      ([, script]) => /dev\/|core\/|test\//.test(script) && !/^exec node dev\/run\.mjs [^&|;]+$/.test(script),
    ),
  ).toEqual([])
})

test.each(commands)(
  '--help prints the usage of npm run $name, and nothing else happens',
  async ({ name, words: [file = '', ...own] }) => {
    const flag = name.length % 2 === 0 ? '--help' : '-h'
    expect(await run([file, ...own, flag])).toEqual({ code: 0, out: `${usageOf(join(CHECKOUT, file))}\n`, err: '' })
  },
)

test('every usage begins with the npm command, and names each option that its file reads', () => {
  for (const file of files) {
    const usage = usageOf(join(CHECKOUT, file))
    expect(usage, file).toMatch(/^Usage: npm (run|start|test)/)
    const options = [
      ...readFileSync(join(CHECKOUT, file), 'utf8').matchAll(/'?([\w-]+)'?: \{ type: '(?:string|boolean)'/g),
    ].map(([, option]) => `--${option}`)
    for (const option of options) expect(usage, file).toContain(option)
  }
})

/** Checked in the source, because running each command takes a second. */
test('every command parses its arguments with commandLine, before its first await', () => {
  for (const file of files.filter((name) => !PASSING_ON.includes(name))) {
    const code = readFileSync(join(CHECKOUT, file), 'utf8').replaceAll(/^import .*$/gm, '')
    expect(code.match(/\bcommandLine\(/g), file).toHaveLength(1)
    expect(code, file).not.toMatch(/process\.argv|parseArgs/)
    const waits = code.indexOf('await ')
    expect(waits === -1 || code.indexOf('commandLine(') < waits, file).toBe(true)
  }
})

test.each([
  [['dev/reset.ts', '--halp'], "Unknown option '--halp'."],
  [['dev/reset.ts', 'everything'], 'Unexpected argument "everything".'],
  [['dev/reset.ts', '--yes=no'], "Option '--yes' does not take an argument."],
  [['dev/reset.ts'], 'There is no terminal to ask on, and --yes was not given: nothing was cleared.'],
  [
    ['loadtest/run.ts', 'spikes'],
    'There is no scenario "spikes"; expected one of smoke, load, spike, opening, stress, soak, breakpoint.',
  ],
  [['cli/audit.ts', '--wait', 'long'], '--wait: expected a number from 0 to 86400, got "long".'],
  [['loadtest/bench/compare.ts', 'before.json'], 'An argument is missing.'],
])('wrong arguments are refused with the usage: %s', async (words, sentence) => {
  expect(await run(words)).toEqual({
    code: 2,
    out: '',
    err: `${sentence}\n\n${usageOf(join(CHECKOUT, words[0] ?? ''))}\n`,
  })
})

test('a command whose output is read no longer, as by head, goes on to its end', async () => {
  const program = `
    import { commandLine } from './core/platform/process/command-line.ts'
    commandLine()
    for (let i = 0; i < 50; i++) {
      console.log('line', i)
      await new Promise(setImmediate)
    }
    process.stderr.write('done')
    process.exitCode = 3`
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', program], {
    cwd: CHECKOUT,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  child.stdout.destroy()
  let said = ''
  child.stderr.on('data', (text) => {
    said += String(text)
  })
  const [code] = (await once(child, 'close')) as [number | null]
  expect({ code, said }).toEqual({ code: 3, said: 'done' })
})
