import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { databaseHosts, databaseUrlFault } from '../../core/platform/stores/database-url.ts'
import { readRedisUrl } from '../../core/platform/stores/redis-url.ts'
import { type Manifest, manifests, ofKind, parseManifests } from './manifests.ts'

// The stores that operators run (overlays/operators), against the services and what the documents ask of stores.
const FOLDER = 'overlays/operators'
const Variable = z.object({
  name: z.string(),
  value: z.string().optional(),
  valueFrom: z.object({ secretKeyRef: z.object({ name: z.string(), key: z.string() }) }).optional(),
})
const Workload = z.object({
  kind: z.enum(['Deployment', 'Job']),
  metadata: z.object({ name: z.string() }),
  spec: z.object({
    template: z.object({
      spec: z.object({ containers: z.tuple([z.object({ name: z.string(), env: z.array(Variable) })]) }),
    }),
  }),
})
const Named = z.object({ metadata: z.object({ name: z.string() }) })
const ConfigMap = Named.extend({ data: z.record(z.string(), z.string()) })

const [overlay] = manifests.filter(({ file }) => file === `${FOLDER}/kustomization.yaml`)
const patches = z
  .object({ patches: z.array(z.object({ patch: z.string() })) })
  .parse(overlay?.object)
  .patches.flatMap(({ patch }) => parseManifests(FOLDER, patch))
const [postgres] = ofKind(
  'Cluster',
  Named.extend({
    spec: z.object({
      instances: z.number(),
      postgresql: z.object({
        parameters: z.object({ max_connections: z.string() }),
        synchronous: z.object({ number: z.number(), dataDurability: z.literal('required') }),
      }),
    }),
  }),
)
const [rabbitmq] = ofKind(
  'RabbitmqCluster',
  Named.extend({
    spec: z.strictObject({
      replicas: z.literal(3),
      rabbitmq: z.strictObject({ additionalPlugins: z.array(z.string()), additionalConfig: z.string() }),
      persistence: z.strictObject({ storage: z.string() }),
      resources: z.object({ limits: z.object({ memory: z.string() }) }),
    }),
  }),
)
const Configured = z.object({ redisConfig: z.object({ additionalRedisConfig: z.string() }) })
const [redis] = ofKind(
  'RedisCluster',
  Named.extend({
    spec: z.object({
      clusterSize: z.literal(3),
      persistenceEnabled: z.literal(true),
      kubernetesConfig: z.object({ redisSecret: z.object({ name: z.literal('seckill'), key: z.string() }) }),
      redisLeader: Configured,
      redisFollower: Configured,
    }),
  }),
)
const configMaps = ofKind('ConfigMap', ConfigMap)
const dataOf = (name = '') => configMaps.find(({ metadata }) => metadata.name === name)?.data ?? {}

/** What the operators call the Secrets that they make, and the key with the URL. */
const MADE: Record<string, object> = {
  DATABASE_URL: { name: `${postgres?.metadata.name}-app`, key: 'uri' },
  RABBITMQ_URL: { name: `${rabbitmq?.metadata.name}-default-user`, key: 'connection_string' },
}

const workloadsOf = (objects: Manifest[]) =>
  objects.filter(({ kind }) => kind === 'Deployment' || kind === 'Job').map((object) => Workload.parse(object))
const urlsOf = (workload: z.infer<typeof Workload>) =>
  workload.spec.template.spec.containers[0].env.filter(({ name }) => name in MADE).map(({ name }) => name)

test('each workload gets the URLs that the operators make, and no other variable is changed', () => {
  const base = workloadsOf(manifests.map(({ object }) => object))
  const patched = workloadsOf(patches)
  expect(Object.fromEntries(patched.map((workload) => [workload.metadata.name, urlsOf(workload)]))).toEqual(
    Object.fromEntries(base.map((workload) => [workload.metadata.name, urlsOf(workload)])),
  )
  for (const { metadata, spec } of patched) {
    const [container] = spec.template.spec.containers
    expect(container.name).toBe(metadata.name)
    for (const { name, valueFrom } of container.env) expect(valueFrom?.secretKeyRef, name).toEqual(MADE[name])
  }
})

test('the services read the URLs of these stores', () => {
  const database = `postgresql://seckill:secret@${postgres?.metadata.name}-rw.seckill:5432/seckill`
  expect(databaseHosts(database)).toHaveLength(1)
  expect(databaseUrlFault(database)).toBeUndefined()
  const text = readFileSync(join(import.meta.dirname, FOLDER, 'redis.yaml'), 'utf8')
  const address = readRedisUrl(/redis:\/\/\S+/.exec(text)?.[0] ?? '')
  expect(address).toMatchObject({
    kind: 'cluster',
    nodes: ['leader', 'follower'].map((role) => ({ host: `${redis?.metadata.name}-${role}`, port: 6_379 })),
    login: { password: redis?.spec.kubernetesConfig.redisSecret.key },
  })
})

test('PostgreSQL has the connections that the services may take, and a standby that may be away', () => {
  const { instances = 0, postgresql } = postgres?.spec ?? {}
  const asked = readFileSync(join(import.meta.dirname, 'overlays/by-address/kustomization.yaml'), 'utf8')
  expect(asked).toContain(`max_connections = ${postgresql?.parameters.max_connections} `)
  expect(instances).toBeGreaterThan((postgresql?.synchronous.number ?? 0) + 1)
})

test('RabbitMQ and Redis are configured as the documents ask', () => {
  const asked = (document: string) => readFileSync(join(import.meta.dirname, '../../docs', document), 'utf8')
  const { additionalConfig = '', additionalPlugins } = rabbitmq?.spec.rabbitmq ?? {}
  const ofBroker = additionalConfig.trim().split('\n')
  const upgrading = asked('upgrading.md').replaceAll(/\s+/g, ' ')
  expect(ofBroker.filter((line) => !upgrading.includes(line))).toEqual([])
  expect(ofBroker).toHaveLength(2)
  expect(additionalPlugins).toEqual(['rabbitmq_consistent_hash_exchange'])

  const { redisLeader, redisFollower } = redis?.spec ?? {}
  expect(redisFollower?.redisConfig).toEqual(redisLeader?.redisConfig)
  const ofRedis = dataOf(redisLeader?.redisConfig.additionalRedisConfig)['redis-additional.conf']?.trim().split('\n')
  const documents = asked('running.md') + asked('reliability.md')
  for (const line of ofRedis ?? [])
    expect(documents).toContain(line.startsWith('maxmemory') ? line.split(' ')[1] : line)
  expect(ofRedis).toContain('appendfsync always')
  expect(ofRedis).toContain('maxmemory-policy noeviction')
  expect(ofRedis).toContain('cluster-require-full-coverage no')
})

test('KEDA asks the broker of the operator', () => {
  const Reference = z.object({ parameter: z.string(), name: z.string(), key: z.string() })
  const { spec } = z
    .object({ spec: z.object({ configMapTargetRef: z.tuple([Reference]), secretTargetRef: z.array(Reference) }) })
    .parse(patches.find(({ kind }) => kind === 'TriggerAuthentication'))
  const [host] = spec.configMapTargetRef
  expect(new URL(dataOf(host.name)[host.key] ?? '').hostname).toBe(rabbitmq?.metadata.name)
  expect(spec.secretTargetRef.map(({ parameter, name, key }) => [parameter, name, key])).toEqual(
    ['username', 'password'].map((key) => [key, `${rabbitmq?.metadata.name}-default-user`, key]),
  )
})
