/** Who may import whom. docs/architecture.md says it in words; dev/import-rules.ts runs it. */
const services = 'gateway|order-service|cancel-worker|subscribers|control-room|payment-provider'
const test = '\\.test\\.ts$'
/** Reads the arguments of every command; knows nothing but node. */
const commandLine = '^core/platform/process/command-line\\.ts$'
const inProduction = {
  path: `^(${services}|cli|core|prisma)/`,
  pathNot: [test, '^prisma/(new-migration|schema-engine)\\.ts$', '^cli/urls\\.ts$'],
}
/** Code of this repository, as opposed to packages and Node's own modules. */
const own = '^(?!node_modules/|\\.)'
const ownButNot = (...allowed) => ({ path: own, pathNot: allowed, dependencyTypesNot: ['core'] })

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: 'no-cycle',
      severity: 'error',
      comment: 'Modules that import each other cannot be understood, or tested, one at a time.',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-orphan',
      severity: 'error',
      comment: 'Nothing imports it and it imports nothing: delete it, or use it.',
      // shift-clock.mjs is loaded by node's --import.
      from: {
        orphan: true,
        pathNot: [
          '\\.d\\.ts$',
          '^[^/]+$',
          '^loadtest/',
          '^test/support/shift-clock\\.mjs$',
          '^lab/[^/]+/(exercise|solution)\\.ts$',
        ],
      },
      to: {},
    },
    {
      name: 'resolvable',
      severity: 'error',
      comment: 'The import leads nowhere. (k6 brings its own modules.)',
      from: {},
      to: { couldNotResolve: true, pathNot: '^k6(/|$)' },
    },
    {
      name: 'declared-packages-only',
      severity: 'error',
      comment: 'A package that package.json does not list may vanish with the next install.',
      from: {},
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown'] },
    },
    {
      name: 'services-apart',
      severity: 'error',
      comment:
        'Services meet over HTTP and the broker, never in a process: that is what lets each be scaled and replaced alone.',
      from: { path: `^(${services})/`, pathNot: test },
      to: { path: `^(${services})/`, pathNot: '^$1/' },
    },
    {
      name: 'services-use-core',
      severity: 'error',
      comment:
        'Of this repository a service may use itself and core/; the database client comes by core/platform/stores/database.ts.',
      from: { path: `^(${services})/`, pathNot: test },
      to: ownButNot(`^(${services})/`, '^core/'),
    },
    {
      name: 'core-knows-no-service',
      severity: 'error',
      comment: 'core/ stands below the services, on nothing but packages and the generated database client.',
      from: { path: '^core/', pathNot: test },
      to: ownButNot('^core/', '^prisma/generated/'),
    },
    {
      name: 'commands-use-core',
      severity: 'error',
      comment: 'An operator may run a command where no service runs. Only cli/urls.ts asks the launcher of npm start.',
      from: { path: '^cli/', pathNot: [test, '^cli/urls\\.ts$'] },
      to: ownButNot('^cli/', '^core/'),
    },
    {
      name: 'contracts-are-pure',
      severity: 'error',
      comment: 'What crosses a process border is data: zod, a hash, and no I/O.',
      from: { path: '^core/contracts/', pathNot: test },
      to: { pathNot: ['^core/contracts/', '^node_modules/zod/', '^crypto$'] },
    },
    {
      name: 'platform-is-plumbing',
      severity: 'error',
      comment: 'core/platform serves any service and knows nothing of selling.',
      from: { path: '^core/platform/', pathNot: test },
      to: { path: '^core/', pathNot: ['^core/platform/', '^core/contracts/'] },
    },
    {
      name: 'tracing-is-off',
      severity: 'error',
      comment:
        'A service that exports no traces loads nothing of OpenTelemetry: only export-spans.ts does, when asked.',
      from: { path: own, pathNot: '^core/platform/tracing/export-spans\\.ts$' },
      to: { path: '^node_modules/@opentelemetry/' },
    },
    {
      name: 'ledgers-apart',
      severity: 'error',
      comment: 'Redis never knows of PostgreSQL; the order ledger tells Redis what it decided.',
      from: { path: '^core/(stock|orders)/', pathNot: test },
      to: { path: '^core/', pathNot: ['^core/$1/', '^core/stock/', '^core/platform/', '^core/contracts/'] },
    },
    {
      name: 'load-tests-know-only-http',
      severity: 'error',
      comment: 'A load test that uses our code tests itself. The objectives are numbers.',
      from: { path: '^loadtest/', pathNot: [test, '^loadtest/(bench|drain|naive|sizing)/'] },
      to: ownButNot('^loadtest/', '^k6(/|$)', '^core/contracts/(objectives|come-back)\\.ts$', commandLine),
    },
    {
      name: 'sizing-only-reckons',
      severity: 'error',
      comment: 'It reads what a bench wrote and what the services bring with them; it starts nothing.',
      from: { path: '^loadtest/sizing/', pathNot: test },
      to: ownButNot(
        '^loadtest/(bench/(costs|results|run-file)|sizing/)',
        `^(${services})/(runtime/)?config\\.ts$`,
        '^core/contracts/values\\.ts$',
        '^test/faults/support/random\\.ts$',
        commandLine,
      ),
    },
    {
      name: 'drain-bench-drives-from-outside',
      severity: 'error',
      comment:
        'It makes a backlog of events, so knows how they are published, and brings an effect of its own; the processes that drain it are real ones.',
      from: { path: '^loadtest/drain/', pathNot: test },
      to: ownButNot(
        '^loadtest/(bench/(run-bench|servers)|drain/)',
        '^dev/',
        '^prisma/migrate\\.ts$',
        '^core/contracts/',
        '^core/orders/event-messages\\.ts$',
        '^core/platform/rabbit/depth-reader',
        '^subscribers/runtime/subscriber\\.ts$',
        commandLine,
      ),
    },
    {
      name: 'bench-drives-from-outside',
      severity: 'error',
      comment:
        'The bench starts the system as npm start does (dev/, prisma/); it meets the shop only over HTTP, in its tables and in its queues.',
      from: { path: '^loadtest/bench/', pathNot: test },
      to: ownButNot(
        '^loadtest/(bench|naive)/',
        '^dev/',
        '^prisma/migrate\\.ts$',
        '^core/platform/process/typescript-args',
        '^core/platform/rabbit/depth-reader',
        '^core/contracts/',
        commandLine,
      ),
    },
    {
      name: 'naive-designs-stand-alone',
      severity: 'error',
      comment:
        'A rival that used our code would be us. They share only the tables, and so the client that Prisma generates for these.',
      from: { path: '^loadtest/naive/', pathNot: test },
      to: ownButNot('^loadtest/naive/', '^prisma/generated/'),
    },
    {
      name: 'labs-stand-apart',
      severity: 'error',
      comment: 'A lab is read alone: it shares with other labs only the frame.',
      from: { path: '^lab/(\\d\\d-[^/]+)/' },
      to: { path: '^lab/\\d\\d-', pathNot: '^lab/$1/' },
    },
    {
      name: 'labs-load-late',
      severity: 'error',
      comment:
        'Every command of the labs loads all labs: what draws, and the client of Kafka, took half of its CPU time.',
      from: { path: '^lab/', pathNot: ['^lab/test-labs\\.ts$', '^lab/frame/draw-chart\\.ts$'] },
      to: { path: '^(dev/draw-svg|lab/frame/draw-chart|lab/09-which-broker/kafka(-server)?)\\.ts$', dynamic: false },
    },
    {
      name: 'pages-know-only-contracts',
      severity: 'error',
      comment:
        'A page runs in a browser: of this repository it may use itself, and of what crosses HTTP the types (the linter sees to that).',
      from: { path: '^web/', pathNot: [test, '^web/vite\\.config\\.ts$'] },
      to: { path: own, pathNot: ['^web/', '^core/contracts/'] },
    },
    {
      name: 'production-without-tools',
      severity: 'error',
      comment: 'dev/, test/ and the rest are not in the images.',
      from: inProduction,
      to: { path: '^(dev|test|lab|loadtest|web)/|\\.test\\.ts$' },
    },
    {
      name: 'production-without-dev-dependencies',
      severity: 'error',
      comment: 'The images are installed without devDependencies.',
      from: inProduction,
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'], pathNot: '^node_modules/@types/' },
    },
  ],
  options: {
    // TypeScript 7 has no API that dependency-cruiser can use; without @swc/core it skips every .ts file, and is
    // content.
    parser: 'swc',
    // Imports of types count, too: a type is knowledge of another room.
    tsPreCompilationDeps: true,
    doNotFollow: { path: '^node_modules/|^prisma/generated/' },
    exclude: { path: '^\\.data/|^web/dist/' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default'] },
  },
}
