/**
 * Usage: npm run ready -- <sale> [--buyers N] [--gateways N] [--json]
 *   --buyers N     buyers who are expected; ten for each unit when left out
 *   --gateways N   gateways of the kind that the control room asks; 1 when left out
 *   --json         the report as JSON
 * Asks the control room (CONTROL_ROOM_URL, ADMIN_TOKEN; those of npm start when left out) whether the sale can open.
 * Exits 0 when it can, 1 when something is to be mended, 2 when something could not be checked.
 */
import { commandLine, numberOf } from '../core/platform/process/command-line.ts'
import { BUYERS_MAX, GATEWAYS_MAX, type ReadyReport } from '../core/contracts/ready.ts'
import { runningSystem } from './running-system.ts'

const { values, positionals } = commandLine(
  { buyers: { type: 'string' }, gateways: { type: 'string' }, json: { type: 'boolean' } },
  [1, 1],
)
const query = new URLSearchParams()
if (values.buyers !== undefined) query.set('buyers', String(numberOf('--buyers', values.buyers, [1, BUYERS_MAX])))
if (values.gateways !== undefined)
  query.set('gateways', String(numberOf('--gateways', values.gateways, [1, GATEWAYS_MAX])))

try {
  const report = await readReport(positionals[0] ?? '')
  process.stdout.write(values.json ? `${JSON.stringify(report, null, 2)}\n` : `${text(report)}\n`)
  process.exitCode = report.toMend.length > 0 ? 1 : report.unknown.length > 0 ? 2 : 0
} catch (error) {
  process.stderr.write(`The sale could not be checked: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 2
}

async function readReport(saleId: string): Promise<ReadyReport> {
  const { CONTROL_ROOM_URL, ADMIN_TOKEN } = process.env.CONTROL_ROOM_URL
    ? process.env
    : { ...runningSystem(), ...process.env }
  const answer = await fetch(`${CONTROL_ROOM_URL}/sales/${encodeURIComponent(saleId)}/ready?${query}`, {
    headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
    signal: AbortSignal.timeout(30_000),
  })
  const body = (await answer.json()) as ReadyReport & { detail?: string }
  if (!answer.ok) throw new Error(body.detail ?? `the control room answered ${answer.status}`)
  return body
}

function text({ saleId, buyers, isReady, toMend, unknown }: ReadyReport): string {
  if (isReady) return `${saleId} is ready for ${buyers} buyers.`
  return [
    `${saleId} is not ready for ${buyers} buyers.`,
    ...toMend.map(({ check, detail }) => `  ${check}: ${detail}`),
    ...unknown.map(({ check, detail }) => `  ${check}: could not be checked. ${detail}`),
  ].join('\n')
}
