import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { PrismaPg } from '@prisma/adapter-pg'
import { bindMigrationAwareSqlAdapterFactory, ColumnTypeEnum, type SqlQuery } from '@prisma/driver-adapter-utils'
import * as bindings from '@prisma/schema-engine-wasm/schema_engine_bg'

const SCHEMA = join(import.meta.dirname, 'schema.prisma')
/** As `prisma migrate diff --exit-code`. */
const DIFFERS = 2

/**
 * The SQL from the database as it is to schema.prisma; empty when they agree. Of Prisma's migration engine this is all
 * that we use, in its WebAssembly build out of npm: the `prisma` command downloads a native one, from a host that build
 * machines often cannot reach. Ends with the process: the engine leaves its connections open.
 */
export async function sqlToSchema(databaseUrl: string): Promise<string> {
  await instantiate()
  const files = [{ path: SCHEMA, content: await readFile(SCHEMA, 'utf8') }]
  const adapter = bindMigrationAwareSqlAdapterFactory(new CatalogueReader({ connectionString: databaseUrl }))
  const engine = await bindings.SchemaEngine.new({ datamodels: [[SCHEMA, files[0]?.content ?? '']] }, () => {}, adapter)
  const { exitCode, stdout } = await engine.diff({
    from: { tag: 'schemaDatasource', files, configDir: dirname(SCHEMA) },
    to: { tag: 'schemaDatamodel', files },
    script: true,
    exitCode: true,
    filters: { externalTables: [], externalEnums: [] },
  })
  return exitCode === DIFFERS ? (stdout ?? '') : ''
}

/** What the module's bundler entry would do, were .wasm importable in node without a flag. */
async function instantiate(): Promise<void> {
  // Not import.meta.resolve, which vitest's module runner lacks.
  const script = createRequire(import.meta.url).resolve('@prisma/schema-engine-wasm/schema_engine_bg')
  const wasm = await readFile(script.replace(/\.js$/, '.wasm'))
  const { instance } = await WebAssembly.instantiate(wasm, { './schema_engine_bg.js': { ...bindings } })
  const exported = instance.exports as { __wbindgen_start(): void }
  bindings.__wbg_set_wasm(exported)
  exported.__wbindgen_start()
}

/** The catalogue's columns of the type "char" (one letter), which @prisma/adapter-pg 7.10 does not know. */
const LETTERS = ['constraint_type', 'confdeltype', 'confupdtype']

/** Lets an engine read PostgreSQL 18 that was made for earlier ones. */
class CatalogueReader extends PrismaPg {
  override async connect() {
    const adapter = await super.connect()
    const queryRaw = adapter.queryRaw.bind(adapter)
    adapter.queryRaw = async (query) => {
      const { columnTypes, columnNames, ...rest } = await queryRaw(readable(query))
      const typed = columnTypes.map((type, i) =>
        LETTERS.includes(columnNames[i] ?? '') ? ColumnTypeEnum.Character : type,
      )
      return { ...rest, columnNames, columnTypes: typed }
    }
    return adapter
  }
}

/** PostgreSQL 18 lists each NOT NULL as a constraint of the kind 'n', at which the engine panics. */
function readable({ sql, ...rest }: SqlQuery): SqlQuery {
  return {
    ...rest,
    sql: sql
      .replace(/\b(constr\.contype|con\.confdeltype|con\.confupdtype)\b/g, '$1::text')
      .replace("NOT IN ('p', 'u', 'f')", "NOT IN ('p', 'u', 'f', 'n')"),
  }
}
