import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, inject, test } from 'vitest'
import { makeScratchFolder, removeScratchFolder } from '../dev/scratch-folder.ts'
import { RunRecord } from '../dev/run-file.ts'
import { Workshop } from './mutations/workshop.ts'
import { stretched } from './support/patience.ts'

const EXAMPLE = 'test/worked-examples/vip-buyers'
/** Put in the place of the rule that stands, which a fork has made its own. */
const RULE = `
export function limitPerBuyer(sale: SaleTerms, buyer: Buyer): number {
  if (sale.priceCents >= 500_000 && buyer.claims.tier === undefined) return 0
  return buyer.claims.tier === 'vip' ? 2 : 1
}
`

test(
  'who may buy how many is one function: changing it alone lets VIP buyers buy 2, and members only what is dear',
  async () => {
    const folder = await makeScratchFolder()
    await RunRecord.claim(folder)
    try {
      const workshop = await Workshop.open(folder, {
        databaseUrl: inject('databaseUrl'),
        templateDatabase: inject('templateDatabase'),
        redisUrl: inject('redisUrl'),
        rabbitmqUrl: inject('rabbitmqUrl'),
        managementUrl: inject('managementUrl'),
      })
      cpSync(join(folder, `${EXAMPLE}.example.ts`), join(folder, `${EXAMPLE}.test.ts`))
      const file = join(folder, 'core/contracts/limit-per-buyer.ts')
      const standing = readFileSync(file, 'utf8')
      writeFileSync(file, standing.replace('export function limitPerBuyer(', 'function limitBefore(') + RULE)
      const run = await workshop.run([`${EXAMPLE}.test.ts`], [''])
      expect(run).toEqual({ passed: 2, failed: [], broken: [] })
    } finally {
      await removeScratchFolder(folder)
    }
  },
  stretched(300_000),
)
