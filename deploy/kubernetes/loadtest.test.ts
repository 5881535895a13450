import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { ofKind } from './manifests.ts'

const Named = z.object({ metadata: z.object({ name: z.string() }) })
const Variable = z.object({ name: z.string(), value: z.string().optional() })
const Labels = z.record(z.string(), z.string())
const Run = z.object({
  spec: z.object({ runner: z.object({ metadata: z.object({ labels: Labels }), env: z.array(Variable) }) }),
})
const Service = Named.extend({ spec: z.object({ ports: z.tuple([z.object({ port: z.number() })]) }) })
const Policy = Named.extend({
  spec: z.object({
    podSelector: z.object({ matchExpressions: z.array(z.object({ values: z.array(z.string()) })).optional() }),
    ingress: z
      .array(
        z.object({ from: z.array(z.object({ podSelector: z.object({ matchLabels: Labels.optional() }).optional() })) }),
      )
      .optional(),
  }),
})

test('the load test finds the shop, may reach it, and gets all that its script requires', () => {
  const { metadata, env = [] } = ofKind('TestRun', Run)[0]?.spec.runner ?? {}
  const script = readFileSync(join(import.meta.dirname, '../../loadtest/lib/environment.ts'), 'utf8')
  const required = [...script.matchAll(/required\('(\w+)'\)/g)].map(([, name]) => name)
  expect(required.length).toBeGreaterThan(0)
  expect(env.map(({ name }) => name)).toEqual(expect.arrayContaining(required))
  const ports = Object.fromEntries(
    ofKind('Service', Service).map((service) => [service.metadata.name, service.spec.ports[0].port]),
  )
  const urls = env.flatMap(({ value }) => (value?.startsWith('http') ? [new URL(value)] : []))
  expect(urls.map(({ hostname, port }) => Number(port) === ports[hostname])).toEqual([true, true])
  const policy = ofKind('NetworkPolicy', Policy).find((one) => one.metadata.name === 'loadtest')
  expect(policy?.spec.podSelector.matchExpressions?.[0]?.values.toSorted()).toEqual(
    urls.map(({ hostname }) => hostname).toSorted(),
  )
  expect(policy?.spec.ingress?.[0]?.from[0]?.podSelector?.matchLabels).toEqual(metadata?.labels)
})
