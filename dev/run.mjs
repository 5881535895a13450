// node dev/run.mjs <file.ts> [arguments]: runs one of our TypeScript files from a checkout in any state.
// Everything here must be understood by old versions of node, which read the whole file before they run its first line:
// no `node:` imports, no `await` outside of functions, no `??`. dev/prepare.mjs, which does the rest, is read
// afterwards.
import { readFileSync } from 'fs' // oxlint-disable-line unicorn/prefer-node-protocol
import { fileURLToPath } from 'url' // oxlint-disable-line unicorn/prefer-node-protocol

checkPlatform()
checkNodeVersion()
import('./prepare.mjs').catch((error) => {
  // Also what the program itself throws: as node would show it.
  console.error(error)
  process.exit(1)
})

function checkPlatform() {
  if (process.platform === 'win32')
    fail('This is Windows, where the servers do not run. Use WSL: https://learn.microsoft.com/windows/wsl/install')
}

function checkNodeVersion() {
  const { engines } = JSON.parse(readFileSync(fileURLToPath(new URL('../package.json', import.meta.url)), 'utf8'))
  const [major, minor] = process.versions.node.split('.').map(Number)
  const fits = engines.node.split('||').some((range) => {
    const [, sign, from, least] = /^(\^|>=)(\d+)(?:\.(\d+))?$/.exec(range.trim())
    return (sign === '>=' && major > Number(from)) || (major === Number(from) && minor >= Number(least || 0))
  })
  if (!fits)
    fail(
      `This is node ${process.versions.node}; expected ${engines.node}. Install one of these, for example from https://nodejs.org`,
    )
}

function fail(sentence) {
  console.error(sentence)
  process.exit(1)
}
