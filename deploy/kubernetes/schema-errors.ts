import { Cluster } from '@kubernetes-models/cloudnative-pg/postgresql.cnpg.io/v1/Cluster'
import { ScaledObject } from '@kubernetes-models/keda/keda.sh/v1alpha1/ScaledObject'
import { TriggerAuthentication } from '@kubernetes-models/keda/keda.sh/v1alpha1/TriggerAuthentication'
import { Deployment } from 'kubernetes-models/apps/v1/Deployment'
import { HorizontalPodAutoscaler } from 'kubernetes-models/autoscaling/v2/HorizontalPodAutoscaler'
import { Job } from 'kubernetes-models/batch/v1/Job'
import { Ingress } from 'kubernetes-models/networking.k8s.io/v1/Ingress'
import { NetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1/NetworkPolicy'
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1/PodDisruptionBudget'
import { ConfigMap } from 'kubernetes-models/v1/ConfigMap'
import { Service } from 'kubernetes-models/v1/Service'
import type { Manifest } from './manifests.ts'

/**
 * Of Kubernetes 1.36, KEDA 2.19 and CloudNativePG 1.29: the packages' versions are pinned, and each has the schemas of one
 * version.
 */
const MODELS: { apiVersion: string; kind: string; prototype: { validate: () => void } }[] = [
  Cluster,
  ConfigMap,
  Deployment,
  HorizontalPodAutoscaler,
  Ingress,
  Job,
  NetworkPolicy,
  PodDisruptionBudget,
  ScaledObject,
  Service,
  TriggerAuthentication,
]

/** No package carries the schemas of their operators; operators.test.ts holds them against the services. */
const WITHOUT_SCHEMA = [
  'rabbitmq.com/v1beta1 RabbitmqCluster',
  'redis.redis.opstreelabs.in/v1beta2 RedisCluster',
  'k6.io/v1alpha1 TestRun',
]

/** What the API server would refuse under strict field validation. */
export function schemaErrors(manifest: Manifest): string[] {
  const { apiVersion = '', kind = '' } = manifest
  if (WITHOUT_SCHEMA.includes(nameOf({ apiVersion, kind }))) return []
  const model = MODELS.find((known) => known.apiVersion === apiVersion && known.kind === kind)
  if (!model) return [`no schema of ${apiVersion} ${kind} is known, only of ${MODELS.map(nameOf).join(', ')}`]
  const read = new Set<string>()
  try {
    model.prototype.validate.call(noting(manifest, '', read))
  } catch (error) {
    return [(error as Error).message]
  }
  return unread(manifest, '', read).map((path) => `${path} is no field of ${nameOf(model)}`)
}

const nameOf = ({ apiVersion, kind }: { apiVersion: string; kind: string }) => `${apiVersion} ${kind}`

/** The compiled schemas let unknown fields pass, but read every field that they know: what they read is noted. */
function noting<T>(value: T, path: string, read: Set<string>): T {
  if (typeof value !== 'object' || value === null) return value
  return new Proxy(value, {
    get(target, key, receiver) {
      const field: unknown = Reflect.get(target, key, receiver)
      if (typeof key === 'symbol') return field
      read.add(`${path}/${key}`)
      return noting(field, `${path}/${key}`, read)
    },
  })
}

/** The paths that were not read; of an object that was not, only its own. */
function unread(value: unknown, path: string, read: Set<string>): string[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, field]) =>
    read.has(`${path}/${key}`) ? unread(field, `${path}/${key}`, read) : [`${path}/${key}`],
  )
}
