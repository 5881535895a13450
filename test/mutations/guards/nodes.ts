import type { Guard } from '../guard.ts'

const CLUSTER = 'test/redis-cluster.long.test.ts'
const RUN = 'core/stock/server-run.test.ts'

/** More servers of a kind than one: primaries and replicas, clusters. */
export const nodeGuards: Guard[] = [
  {
    rule: 'a primary whose data was replaced does not sell before a rebuild',
    file: 'core/stock/server-run.ts',
    text: '-${replicationId.slice(0, DIGITS)}`',
    without: '`',
    tests: { file: RUN, named: 'a primary whose data was replaced' },
  },
  {
    rule: 'a primary that has become a replica is left',
    file: 'core/platform/stores/redis.ts',
    text: "message.startsWith('READONLY')",
    without: 'message === undefined',
    tests: { file: RUN, named: 'a primary that has become' },
  },
  {
    rule: 'one node of a cluster is refused',
    file: 'core/platform/stores/redis-check.ts',
    text: '    if (node) throw new BadConfiguration([node.detail])\n',
    without: '',
    tests: { file: 'core/platform/stores/redis-check.test.ts', named: 'one node of a cluster' },
  },
  {
    rule: 'a cluster is sent no command twice',
    file: 'core/platform/stores/redis.ts',
    text: '  cluster.handleError = (',
    without: '  const unused = (',
    tests: { file: CLUSTER, named: 'a call to a node that has given' },
  },
  {
    rule: 'units that move between masters are counted once',
    file: 'core/stock/read-ledgers.ts',
    text: '  let before = await readAll()\n',
    without: '  let before = await readAll()\n  return before\n',
    tests: { file: CLUSTER, named: 'units that move between masters' },
  },
  {
    rule: 'an open sale stays in the list of sales',
    file: 'cancel-worker/reconcile.ts',
    text: '    await this.#attempt([], () => this.#deps.saleAdmin.list(compared.map(({ tally }) => tally.figures)))\n',
    without: '',
    tests: { file: 'cancel-worker/reconcile.test.ts', named: 'an open sale that is not listed' },
  },
  {
    rule: 'a gateway sells nothing under an epoch that PostgreSQL has passed',
    file: 'gateway/epochs.ts',
    text: '      for (const [saleId, epoch] of Object.entries(epochs)) catalogue.raiseEpoch(saleId, epoch)\n',
    without: '',
    tests: { file: 'gateway/catalogue.test.ts', named: 'an epoch that PostgreSQL has raised' },
  },
  {
    rule: 'an old primary that lives on is left',
    file: 'core/stock/stale-primary.ts',
    text: '    for (const connection of connections) reconnect(connection)\n',
    without: '',
    tests: { file: 'test/redis-failover.long.test.ts', named: 'a gateway that stays connected' },
  },
  {
    rule: 'a worker at an old primary closes no sale',
    file: 'cancel-worker/rebuild-lost.ts',
    text: '    if (this.#mayBeStalePrimary(sale, found)) return this.#deps.reconnect()\n',
    without: '',
    tests: { file: 'cancel-worker/rebuild-lost.test.ts', named: 'a Redis that is behind PostgreSQL' },
  },
  {
    rule: 'what was settled at an old primary is settled again',
    file: 'cancel-worker/reconcile-statuses.ts',
    text: '    if (stale.length > 0) await this.#unsettle(saleId, epoch, stale)\n',
    without: '',
    tests: { file: 'cancel-worker/reconcile-statuses.test.ts', named: 'orders that were settled at another' },
  },
  {
    rule: 'the fence of a rebuild finds orders as they were settled',
    file: 'cancel-worker/reconcile-statuses.ts',
    text: "    if (found.state !== 'OPEN' || found.epoch !== epoch) return\n",
    without: '',
    tests: { file: 'cancel-worker/reconcile-statuses.test.ts', named: 'the statuses of a sale that is being' },
  },
]
