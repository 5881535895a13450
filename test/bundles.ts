import { symlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Plugin } from 'vite'
import { RunRecord } from '../dev/run-file.ts'
import { makeScratchFolder, removeScratchFolder } from '../dev/scratch-folder.ts'
import { TYPESCRIPT_ARGS } from '../core/platform/process/typescript-args.ts'

/** Before Vite sets it to production, with which services would refuse the tests' settings. */
const { NODE_ENV = 'test' } = process.env

const ROOT = join(import.meta.dirname, '..')
const SERVICES = ['payment-provider', 'cancel-worker', 'order-service', 'control-room', 'gateway', 'subscribers']
const COMMANDS = ['archive', 'audit', 'dead-letters', 'ready', 'sagas', 'spread', 'story']
const BUNDLED = [...SERVICES.map((name) => `${name}/main`), ...COMMANDS.map((name) => `cli/${name}`)]

/** Arguments for node that start the service: its bundle in a test run, its sources elsewhere. */
export const serviceArgs = (name: string): string[] => programArgs(`${name}/main`)
/** The same of a command in cli/. */
export const commandArgs = (name: string): string[] => programArgs(`cli/${name}`)

function programArgs(program: string): string[] {
  const folder = process.env.TEST_BUNDLES
  return folder ? [join(folder, `${program}.mjs`)] : [...TYPESCRIPT_ARGS, `${program}.ts`]
}

/**
 * Compiles each program into one file and its shared parts, with packages outside. The tests start about a hundred
 * processes, and a bundle starts in half the CPU time that tsx needs for the sources (0.6 instead of 1.3 s).
 */
export async function bundlePrograms(): Promise<{ folder: string; remove: () => Promise<void> }> {
  const folder = await makeScratchFolder()
  await RunRecord.claim(folder) // Or the next command would take the folder for one that was left behind.
  await bundle(ROOT, BUNDLED, folder)
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
  return { folder, remove: () => removeScratchFolder(folder) }
}

/**
 * @param root the checkout, or a copy of it
 * @param programs paths in it, without `.ts`; they become `.mjs`
 * @param folder from which node finds the packages
 */
export async function bundle(root: string, programs: string[], folder: string): Promise<void> {
  const { build } = await import('vite')
  await build({
    configFile: false,
    root,
    logLevel: 'warn',
    plugins: [subscriberFiles(root), sourcePaths],
    build: {
      ssr: true,
      target: 'esnext',
      minify: false,
      outDir: folder,
      emptyOutDir: false,
      rolldownOptions: {
        input: Object.fromEntries(programs.map((program) => [program, join(root, `${program}.ts`)])),
        output: { entryFileNames: '[name].mjs', chunkFileNames: '[name]-[hash].mjs' },
      },
    },
  })
  process.env.NODE_ENV = NODE_ENV
}

const LOAD_BY_NAME = 'import(pathToFileURL(file).href)'

/** Subscribers are found by the names of their TypeScript files when the program starts. */
const subscriberFiles = (root: string): Plugin => ({
  name: 'subscriber-files',
  enforce: 'pre',
  transform(code, id) {
    if (!id.endsWith('/find-subscribers.ts')) return undefined
    if (!code.includes(LOAD_BY_NAME)) throw new Error(`expected ${LOAD_BY_NAME} in ${id}`)
    const files =
      "import.meta.glob(['/subscribers/*.ts', '/test/support/added-subscriber/*.ts', '!**/{main,*.test}.ts'])"
    return code.replace(LOAD_BY_NAME, `${files}[file.slice(${root.length})]()`)
  },
})

/** The services read Lua scripts and pages beside their sources. */
const sourcePaths: Plugin = {
  name: 'source-paths',
  enforce: 'pre',
  transform: (code, file) =>
    code
      .replaceAll('import.meta.dirname', JSON.stringify(dirname(file)))
      .replaceAll('import.meta.url', JSON.stringify(pathToFileURL(file).href)),
}
