import { expect, test } from 'vitest'
import { parseManifests, resources } from './manifests.ts'
import { schemaErrors } from './schema-errors.ts'

const GOOD = `
apiVersion: apps/v1
kind: Deployment
metadata: { name: shop }
spec:
  replicas: 2
  selector: { matchLabels: { app: shop } }
  template:
    metadata: { labels: { app: shop } }
    spec:
      containers:
        - name: shop
          image: shop
          resources: { limits: { memory: 1Gi } }
          lifecycle: { preStop: { sleep: { seconds: 5 } } }
`
const errorsOf = (text: string) => parseManifests('a test', text).flatMap(schemaErrors)

test.each(resources)('$object.kind $object.metadata.name in $file is as its schema says', ({ object }) => {
  expect(schemaErrors(object)).toEqual([])
})

test.each([
  ['an unknown field, at any depth', 'seconds: 5', 'seconds: 5, minutes: 1', '/sleep/minutes is no field of apps/v1 D'],
  ['an unknown field at the top', 'kind: Deployment', 'kind: Deployment\nname: shop', '/name is no field of'],
  ['a field at the wrong depth', '  replicas: 2', '  containers: []', '/spec/containers is no field of'],
  ['a value of another type', 'replicas: 2', 'replicas: "2"', 'replicas must be integer'],
  ['a missing field', '- name: shop\n          image: shop', '- image: shop', 'must have required property name'],
  ['no quantity', '1Gi', '1Gigabyte', 'must match format "quantity"'],
  ['a version that is gone', 'apps/v1', 'extensions/v1beta1', 'no schema of extensions/v1beta1 Deployment is known'],
])('%s is an error', (_, right, wrong, error) => {
  expect(errorsOf(GOOD)).toEqual([])
  expect(errorsOf(GOOD.replace(right, wrong)).join('\n')).toContain(error)
})

test('custom resources are held against the schemas of their operators', () => {
  const scaled = `
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: { name: shop }
spec: { scaleTargetRef: { name: shop }, maxReplicas: 3, triggers: [{ type: cron, metadata: {} }] }
`
  expect(errorsOf(scaled)).toEqual(['/spec/maxReplicas is no field of keda.sh/v1alpha1 ScaledObject'])
})
