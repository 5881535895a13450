/**
 * Usage: npm run observability [-- --check]
 *        npm run observability -- --read SERVER --from URL --of WHAT
 * Writes deploy/observability/generated from the descriptions beside it: the alerts, their tests, Prometheus'
 * configuration, the dashboards of Grafana and the list of metrics. With --check it only says what is stale (exit 1),
 * and has promtool check and test the rules, where it can be had.
 * With --read it only lists what the exporter of SERVER (redis, postgres or rabbitmq) answers at URL, as
 * deploy/observability/exported/SERVER.txt; WHAT says which exporter of which server that was.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { execa } from 'execa'
import { commandLine, refuse } from '../core/platform/process/command-line.ts'
import { exportedList, fileOf, SERVERS } from '../deploy/observability/exported.ts'
import { generatedFiles, GENERATED } from '../deploy/observability/generated.ts'
import { ensureBinaries, pathOf } from './servers/binaries.ts'

const {
  values: { check, read, from = '', of = '' },
} = commandLine({
  check: { type: 'boolean' },
  read: { type: 'string' },
  from: { type: 'string' },
  of: { type: 'string' },
})

if (read !== undefined) {
  await listExported(read)
  process.exit()
}

for (const [name, expected] of Object.entries(generatedFiles())) {
  const file = join(GENERATED, name)
  if (!check) {
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, expected)
  } else if (textOf(file) !== expected) {
    console.error(`${file} is stale: run "npm run observability" and commit the result.`)
    process.exitCode = 1
  }
}
if (check) await checkRules()

function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}

async function checkRules(): Promise<void> {
  try {
    await ensureBinaries(console.error, ['promtool'])
  } catch (error) {
    console.error(`The alerts were not tested here: ${(error as Error).message}`)
    return
  }
  for (const args of [
    ['check', 'rules', 'alerts.yml'],
    ['test', 'rules', 'alerts.test.yml'],
  ]) {
    const { failed, all } = await execa(pathOf('promtool'), args, { cwd: GENERATED, reject: false, all: true })
    if (!failed) continue
    console.error(`promtool ${args.join(' ')}:\n${all}`)
    process.exitCode = 1
  }
}

async function listExported(name: string): Promise<void> {
  const server =
    SERVERS.find((each) => each === name) ?? refuse(`--read: expected ${SERVERS.join(', ')}, got "${name}".`)
  if (of === '' || !URL.canParse(from)) refuse('--read needs --from with the address of /metrics, and --of.')
  const answer = await fetch(from)
  if (!answer.ok) throw new Error(`${from} answered ${answer.status}`)
  writeFileSync(fileOf(server), exportedList(of, await answer.text()))
}
