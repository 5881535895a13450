import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { DATABASE_CONNECTIONS as cancelWorker } from '../../cancel-worker/config.ts'
import { DATABASE_CONNECTIONS as controlRoom } from '../../control-room/config.ts'
import { subscriberQueues } from '../../core/contracts/subscriber-topology.ts'
import { INTAKE } from '../../core/contracts/topology.ts'
import { parseConfig } from '../../core/platform/process/config.ts'
import { schemas } from '../../dev/schemas.ts'
import { DATABASE_CONNECTIONS as orderService } from '../../order-service/config.ts'
import { connectionsFor, SubscribersConfig } from '../../subscribers/runtime/config.ts'
import { manifestFiles, manifests, ofKind } from './manifests.ts'

// The manifests against the services: what a schema of Kubernetes (schema-errors.test.ts) cannot know.
const HERE = import.meta.dirname
/** As the overlay asks for; raise both together. */
const MAX_CONNECTIONS = 300
const OTHER_CONNECTIONS = 13
/** core/platform/process/service.ts; the endpoints forget a pod within the pause before it. */
const DRAIN_SECONDS = 20

const Variable = z.object({ name: z.string(), value: z.string().optional() })
const Container = z.object({
  name: z.string(),
  image: z.string(),
  env: z.array(Variable),
  ports: z.array(z.object({ containerPort: z.number() })).optional(),
  resources: z.object({
    requests: z.object({ cpu: z.string(), memory: z.string() }),
    limits: z.object({ memory: z.string() }),
  }),
  securityContext: z.object({
    allowPrivilegeEscalation: z.literal(false),
    readOnlyRootFilesystem: z.literal(true),
    capabilities: z.object({ drop: z.tuple([z.literal('ALL')]) }),
  }),
  livenessProbe: z.object({ httpGet: z.object({ path: z.literal('/livez') }) }).optional(),
  readinessProbe: z.object({ httpGet: z.object({ path: z.literal('/readyz') }) }).optional(),
  lifecycle: z.object({ preStop: z.object({ sleep: z.object({ seconds: z.number() }) }) }).optional(),
})
const Template = z.object({
  metadata: z.object({ labels: z.record(z.string(), z.string()) }),
  spec: z.object({
    automountServiceAccountToken: z.literal(false),
    terminationGracePeriodSeconds: z.number().optional(),
    securityContext: z.object({
      runAsNonRoot: z.literal(true),
      seccompProfile: z.object({ type: z.literal('RuntimeDefault') }),
    }),
    containers: z.tuple([Container]),
  }),
})
const Workload = z.object({ metadata: z.object({ name: z.string() }), spec: z.object({ template: Template }) })
const Scaled = z.object({
  metadata: z.object({ name: z.string() }),
  spec: z.object({
    maxReplicaCount: z.number(),
    triggers: z.array(z.object({ metadata: z.object({ protocol: z.literal('http'), queueName: z.string() }) })),
  }),
})

const deployments = ofKind(
  'Deployment',
  Workload.extend({ spec: z.object({ replicas: z.number(), template: Template }) }),
)
const scaled = ofKind('ScaledObject', Scaled)
const Named = z.object({ metadata: z.object({ name: z.string() }) })
const services = Object.keys(schemas).filter((name) => name !== 'payment-provider') as (keyof typeof schemas)[]
const secret = () => randomBytes(32).toString('hex')
const settings = Object.fromEntries(
  ofKind(
    'Kustomization',
    z.object({ configMapGenerator: z.array(z.object({ literals: z.array(z.string()) })).optional() }),
  )
    .flatMap(({ configMapGenerator = [] }) => configMapGenerator.flatMap(({ literals }) => literals))
    .map((literal) => literal.split(/=(.*)/s) as [string, string]),
)
/** What the Secret would hold. */
const FROM_SECRET: Record<string, string> = {
  DATABASE_URL: `postgresql://seckill:${secret()}@a:5432,b:5432/seckill`,
  REDIS_URL: `redis://:${secret()}@redis:6379`,
  RABBITMQ_URL: `amqp://seckill:${secret()}@a,b,c`,
  PAYMENT_API_KEY: `sk_live_${secret()}`,
}

test.each(services)(
  'the %s starts in production with what its pod gets, and with nothing that it does not read',
  (name) => {
    const [container] = deployments.find(({ metadata }) => metadata.name === name)?.spec.template.spec.containers ?? []
    const given = container?.env ?? []
    expect(given.map((variable) => variable.name).filter((variable) => !(variable in schemas[name].shape))).toEqual([])
    const env = Object.fromEntries(
      given.map(({ name: variable, value }) => [variable, value ?? FROM_SECRET[variable] ?? secret()]),
    )
    const config = parseConfig<z.ZodObject>(schemas[name], { ...settings, ...env })
    expect(config).toMatchObject({ NODE_ENV: 'production', HOST: '0.0.0.0' })
    expect(container?.ports).toEqual(
      [{ containerPort: config[`${name.toUpperCase().replaceAll('-', '_')}_PORT`], name: undefined }].map(
        ({ containerPort }) => ({ containerPort }),
      ),
    )
    expect(container?.livenessProbe && container.readinessProbe).toBeDefined()
  },
)

test('every image is one that the Dockerfile builds', () => {
  const targets = [...readFileSync(join(HERE, '../../Dockerfile'), 'utf8').matchAll(/^FROM base AS (\S+)/gm)].map(
    ([, target]) => `seckill/${target}`,
  )
  const images = [...deployments, ...ofKind('Job', Workload)].map(({ spec }) => spec.template.spec.containers[0].image)
  expect(images.filter((image) => !targets.includes(image))).toEqual([])
  expect(images).toHaveLength(services.length + 1)
})

test('a pod may finish what is in hand before it is killed', () => {
  for (const { spec, metadata } of deployments) {
    const { terminationGracePeriodSeconds = 0, containers } = spec.template.spec
    const pause = containers[0].lifecycle?.preStop.sleep.seconds ?? 0
    expect(terminationGracePeriodSeconds, metadata.name).toBeGreaterThan(DRAIN_SECONDS + pause)
  }
})

test('what all processes may take of PostgreSQL stays within max_connections', () => {
  const subscribers = readdirSync(join(HERE, '../../subscribers')).filter(
    (file) => /^(?!main\.)[\w-]+\.ts$/.test(file) && !file.endsWith('.test.ts'),
  )
  const partitions = SubscribersConfig.shape.SUBSCRIBER_PARTITIONS.parse(undefined)
  const pools: Record<string, number> = {
    'order-service': orderService,
    'cancel-worker': cancelWorker,
    'control-room': controlRoom,
    subscribers: 1 + subscribers.length * connectionsFor(partitions),
  }
  const most = (name: string) =>
    scaled.find(({ metadata }) => metadata.name === name)?.spec.maxReplicaCount ??
    deployments.find(({ metadata }) => metadata.name === name)?.spec.replicas ??
    0
  const taken = Object.entries(pools).reduce((sum, [name, pool]) => sum + most(name) * pool, OTHER_CONNECTIONS)
  expect(taken).toBeLessThanOrEqual(MAX_CONNECTIONS)
  expect(readFileSync(join(HERE, 'overlays/by-address/kustomization.yaml'), 'utf8')).toContain(
    `max_connections = ${MAX_CONNECTIONS}`,
  )
})

test('services scale on every queue that they work on, and subscribers to no more processes than partitions', () => {
  const partitions = SubscribersConfig.shape.SUBSCRIBER_PARTITIONS.parse(undefined)
  const names = readdirSync(join(HERE, '../../subscribers'))
    .filter((file) => /^(?!main\.)[\w-]+\.ts$/.test(file) && !file.endsWith('.test.ts'))
    .map((file) => file.replace('.ts', ''))
  const queuesOf = (name: string) =>
    scaled.find(({ metadata }) => metadata.name === name)?.spec.triggers.map(({ metadata }) => metadata.queueName)
  expect(queuesOf('order-service')).toEqual([INTAKE])
  expect(queuesOf('subscribers')?.toSorted()).toEqual(
    names.flatMap((name) => subscriberQueues(name, partitions, []).partitions).toSorted(),
  )
  expect(scaled.find(({ metadata }) => metadata.name === 'subscribers')?.spec.maxReplicaCount).toBeLessThanOrEqual(
    partitions,
  )
})

test('what buyers need survives the drain of a node, and only the ingress of the gateway is public', () => {
  const budgets = ofKind('PodDisruptionBudget', Named).map(({ metadata }) => metadata.name)
  expect(budgets.toSorted()).toEqual(services.filter((name) => name !== 'control-room').toSorted())
  const alone = deployments.filter(({ spec }) => spec.replicas < 2).map(({ metadata }) => metadata.name)
  expect(alone).toEqual(['control-room'])
  const ingresses = ofKind('Ingress', Named.extend({ spec: z.object({ ingressClassName: z.string() }) }))
  expect(Object.fromEntries(ingresses.map(({ metadata, spec }) => [metadata.name, spec.ingressClassName]))).toEqual({
    'control-room': 'internal',
    gateway: 'public',
  })
})

test('every file is part of a kustomization', () => {
  const listed = manifests.flatMap(({ file, object }) => {
    const { resources = [], components = [] } = object as { resources?: string[]; components?: string[] }
    return [...resources, ...components]
      .map((path) => join(file, '..', path))
      .flatMap((path) => [path, `${path}/kustomization.yaml`])
  })
  const unlisted = manifestFiles.filter((file) => !listed.includes(file) && !file.startsWith('overlays/'))
  expect(unlisted).toEqual([])
})
