import { readdir, readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { bindMigrationAwareSqlAdapterFactory } from '@prisma/driver-adapter-utils'
import * as bindings from '@prisma/schema-engine-wasm/schema_engine_bg'
import { SchemaConnections } from './schema-connections.ts'

export type SchemaEngine = bindings.SchemaEngine

export const MIGRATIONS = join(import.meta.dirname, 'migrations')
export const SCHEMA = join(import.meta.dirname, 'schema.prisma')

/** The engine wants to be told of what to leave alone: nothing. */
export const NO_FILTERS = { externalTables: [], externalEnums: [] }

/**
 * Prisma's own migration engine, the WebAssembly build out of npm. The `prisma` command would download a native one at
 * first use, from a host that build machines often cannot reach; both write the same `_prisma_migrations` table.
 */
export async function withSchemaEngine<T>(databaseUrl: string, use: (engine: SchemaEngine) => Promise<T>): Promise<T> {
  await instantiated()
  const connections = new SchemaConnections(databaseUrl)
  const adapter = bindMigrationAwareSqlAdapterFactory(connections)
  let engine: SchemaEngine | undefined
  try {
    engine = await bindings.SchemaEngine.new(
      { datamodels: [[SCHEMA, await readFile(SCHEMA, 'utf8')]] },
      () => {},
      adapter,
    )
    return await use(engine)
  } catch (error) {
    throw connections.refusal ?? error
  } finally {
    await connections.close()
    engine?.free()
  }
}

/** What the module's bundler entry would do, were .wasm importable in node without a flag. */
async function instantiate(): Promise<void> {
  // Where the engine leaves its last words; without it a panic reads "cannot read properties of undefined".
  Object.assign(globalThis, {
    PRISMA_WASM_PANIC_REGISTRY: { set_message: (message: string) => console.error(message) },
  })
  // Not import.meta.resolve, which vitest's module runner lacks.
  const script = createRequire(import.meta.url).resolve('@prisma/schema-engine-wasm/schema_engine_bg')
  const wasm = await readFile(script.replace(/\.js$/, '.wasm'))
  const imports: WebAssembly.ModuleImports = { ...bindings }
  for (const name of Object.keys(imports)) if (name.startsWith('__wbg_setTimeout_')) imports[name] = backgroundTimeout
  const { instance } = await WebAssembly.instantiate(wasm, { './schema_engine_bg.js': imports })
  const exported = instance.exports as { __wbindgen_start(): void }
  ;(bindings as typeof bindings & { __wbg_set_wasm(exports: unknown): void }).__wbg_set_wasm(exported)
  exported.__wbindgen_start()
}

/**
 * The engine never clears its 10 s limit on waiting for the lock, which would keep a finished process alive for as
 * long.
 */
const backgroundTimeout = (callback: () => void, ms: number) => setTimeout(callback, ms).unref()

let instantiation: Promise<void> | undefined
const instantiated = () => (instantiation ??= instantiate())

/** The migrations folder as the engine wants to be handed it: it has no file system of its own. */
export async function readMigrations(baseDir = MIGRATIONS) {
  const names = (await readdir(baseDir, { withFileTypes: true }))
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort()
  return {
    baseDir,
    lockfile: { path: 'migration_lock.toml', content: await readFile(join(baseDir, 'migration_lock.toml'), 'utf8') },
    shadowDbInitScript: '',
    migrationDirectories: await Promise.all(
      names.map(async (name) => ({
        path: name,
        migrationFile: {
          path: 'migration.sql',
          content: { tag: 'ok' as const, value: await readFile(join(baseDir, name, 'migration.sql'), 'utf8') },
        },
      })),
    ),
  }
}
