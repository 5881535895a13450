import { z } from 'zod'
import { PROCESSES } from '../../core/platform/process/shown-limits.ts'

const ANSWER_LIMIT_MS = 5_000
const Metrics = z.array(z.object({ name: z.string(), values: z.unknown() }))
const Values = z.array(z.object({ labels: z.object({ limit: z.string().optional() }), value: z.number() }))

/** What a service may take, of all its processes together. */
export interface Capacity {
  processes: number
  /** By setting: the limit of one process. */
  limits: Record<string, number>
  /** Undefined where the system does not tell, as on macOS. */
  descriptors: { max: number; open: number } | undefined
}

/** Reads it from a service's /metrics. @throws when the service does not answer, or refuses */
export async function readCapacity(url: string, metricsToken: string | undefined): Promise<Capacity> {
  const answer = await fetch(`${url}/metrics`, {
    headers: {
      accept: 'application/json',
      ...(metricsToken === undefined ? {} : { authorization: `Bearer ${metricsToken}` }),
    },
    signal: AbortSignal.timeout(ANSWER_LIMIT_MS),
  })
  if (!answer.ok) throw new Error(`GET /metrics answered ${answer.status}`)
  const metrics = Metrics.parse(await answer.json())
  const valuesOf = (name: string) => Values.parse(metrics.find((metric) => metric.name === name)?.values ?? [])
  const sums = valuesOf('seckill_limit')
  const processes = sums.find(({ labels }) => labels.limit === PROCESSES)?.value ?? 1
  const limits = Object.fromEntries(sums.map(({ labels, value }) => [labels.limit ?? '', value / processes]))
  const [max] = valuesOf('process_max_fds')
  const [open] = valuesOf('process_open_fds')
  return { processes, limits, descriptors: max && open && { max: max.value, open: open.value } }
}
