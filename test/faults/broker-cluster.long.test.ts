import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { INTAKE } from '../../core/contracts/topology.ts'
import { Crowd } from '../support/crowd.ts'
import { eventually } from '../support/eventually.ts'
import { type OwnCluster, startOwnCluster } from '../support/own-cluster.ts'
import { startSystem, type System } from '../support/system.ts'

let cluster: OwnCluster
let system: System
beforeAll(async () => {
  cluster = await startOwnCluster()
  system = await startSystem({ RABBITMQ_URL: cluster.url, MAX_PENDING: '100' })
})
afterAll(async () => {
  await system.close()
  await cluster.close()
})

const STOCK = 20_000
const FEW = 5
const BETWEEN_MS = 20

/** Buyers come while `strike` works, and until all nodes are up again. @returns the audit at rest */
async function sellThrough(strike: (crowd: Crowd) => Promise<void>) {
  const saleId = await system.createSale({ stock: STOCK })
  const crowd = new Crowd(system, saleId)
  await crowd.comeInTurn(FEW)
  let isOver = false
  const striking = strike(crowd)
    .then(() => cluster.whole())
    .finally(() => (isOver = true))
  for (; !isOver; await pause(BETWEEN_MS)) await crowd.comeInTurn(FEW)
  await striking
  await eventually(
    'a purchase after that',
    () => crowd.comeInTurn(1),
    ([answer]) => answer?.status === 202,
  )
  expect(crowd.answers.filter(({ status, body }) => status !== 202 && body.code !== 'BUSY')).toEqual([])
  expect(await crowd.ends()).toEqual(['ORDERED'])
  return { sold: crowd.accepted.length, audit: await system.auditAtRest(saleId) }
}

const FAULTS = {
  'the node that the gateway is connected to is killed': async () => {
    await (await cluster.connectedBy('gateway')).kill()
  },
  'the leader of the intake queue is killed': async () => {
    await (await cluster.leaderOf(INTAKE)).kill()
  },
  'the leader of the intake queue is paused': async () => {
    const leader = await cluster.leaderOf(INTAKE)
    leader.pause()
    await cluster.leaderOf(INTAKE, leader)
  },
  'the node that the gateway is connected to is cut off from the other two, and all three run on': async () => {
    const cut = await cluster.connectedBy('gateway')
    await cluster.isolate(cut)
    await cluster.connectedBy('gateway', cut)
  },
  'every node is restarted in turn': async () => {
    for (const node of cluster.nodes) {
      await node.stop()
      await cluster.whole()
    }
  },
  'two of three nodes are killed': async (crowd: Crowd) => {
    for (const node of cluster.nodes.slice(1)) await node.kill()
    await eventually(
      'a buyer to be told BUSY',
      () => crowd.answers.at(-1)?.body.code,
      (code) => code === 'BUSY',
      60_000,
    )
  },
} satisfies Record<string, (crowd: Crowd) => Promise<void>>

test('the queues have three members, and their leaders are on all nodes', async () => {
  const queues = await eventually(
    'the queues',
    () => cluster.queues(),
    (found) => found.length > 3 && found.every(({ members }) => members?.length === 3),
  )
  expect(new Set(queues.map(({ leader }) => leader)).size).toBe(3)
})

test.each(Object.keys(FAULTS) as (keyof typeof FAULTS)[])(
  '%s: what was confirmed becomes orders, and buyers hear 202 or BUSY',
  async (name) => {
    const { sold, audit } = await sellThrough(FAULTS[name])
    expect(audit).toMatchObject({ balanced: true, sales: [{ sold, redisLeft: STOCK - sold, pending: 0 }] })
  },
)
