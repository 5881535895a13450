/**
 * Usage: npm run advisories
 * Exits 1 when a dependency has a known advisory of severity high or critical.
 */
import { execa } from 'execa'
import { z } from 'zod'
import { commandLine } from '../core/platform/process/command-line.ts'

commandLine()

const ANSWER_LIMIT_MS = 60_000

const Report = z.object({
  vulnerabilities: z.record(
    z.string(),
    z.object({
      severity: z.enum(['info', 'low', 'moderate', 'high', 'critical']),
      range: z.string(),
      via: z.array(z.union([z.string(), z.object({ title: z.string(), url: z.string() })])),
    }),
  ),
})
/** What npm prints instead when the registry refuses the request. */
const Refusal = z.object({ message: z.string() })

const { stdout, stderr } = await execa('npm', ['audit', '--json', '--audit-level=high'], {
  reject: false,
  timeout: ANSWER_LIMIT_MS,
})
const answer = parsed(stdout)
const report = Report.safeParse(answer)
if (report.success) tell(report.data)
else if (Refusal.safeParse(answer).success)
  console.log(`The registry does not answer that question here: ${Refusal.parse(answer).message}`)
else {
  // Neither a report nor a refusal: nothing was checked, which must not pass for "none".
  console.error(`Expected a report of npm audit, got:\n${stdout || stderr}`)
  process.exitCode = 1
}

function tell({ vulnerabilities }: z.output<typeof Report>): void {
  const grave = Object.entries(vulnerabilities).filter(
    ([, { severity }]) => severity === 'high' || severity === 'critical',
  )
  for (const [name, { severity, range, via }] of grave) {
    const reasons = via.map((reason) =>
      typeof reason === 'string' ? `through ${reason}` : `${reason.title} ${reason.url}`,
    )
    console.error(`${severity}: ${name} ${range}: ${reasons.join('; ')}`)
  }
  const others = Object.keys(vulnerabilities).length - grave.length
  console.log(`${grave.length} dependencies with advisories of severity high or critical, ${others} with lesser ones.`)
  if (grave.length > 0) process.exitCode = 1
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
