import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseAllDocuments } from 'yaml'
import type { z } from 'zod'

const HERE = import.meta.dirname

export interface Manifest {
  apiVersion?: string
  kind?: string
  metadata?: { name?: string }
}

export const manifestFiles = readdirSync(HERE, { recursive: true, encoding: 'utf8' }).filter((file) =>
  file.endsWith('.yaml'),
)

/** Every document of every file, before kustomize puts them together. */
export const manifests = manifestFiles.flatMap((file) =>
  parseManifests(file, readFileSync(join(HERE, file), 'utf8')).map((object) => ({ file, object })),
)

/** What kustomize reads itself is no resource of the cluster. */
export const resources = manifests.filter(({ object }) => !object.apiVersion?.startsWith('kustomize.config.k8s.io/'))

export const ofKind = <Schema extends z.ZodType>(kind: string, schema: Schema) =>
  manifests.filter(({ object }) => object.kind === kind).map(({ object }) => schema.parse(object))

/** @throws when the text is no YAML, or gives a key twice */
export function parseManifests(file: string, text: string): Manifest[] {
  return parseAllDocuments(text).map((document) => {
    if (document.errors.length > 0) throw new Error(`${file}: ${document.errors.join('; ')}`)
    return document.toJS() as Manifest
  })
}
