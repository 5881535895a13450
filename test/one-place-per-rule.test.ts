import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { expect, inject, test } from 'vitest'
import { makeScratchFolder, removeScratchFolder } from '../dev/scratch-folder.ts'
import { RunRecord } from '../dev/run-file.ts'
import { Workshop } from './mutations/workshop.ts'
import { stretched } from './support/patience.ts'

const EXAMPLE = 'test/worked-examples/vip-buyers'

test(
  'the limit per buyer is one function: changing it alone lets VIP buyers buy 2, from the page to the audit',
  async () => {
    const folder = await makeScratchFolder()
    await RunRecord.claim(folder)
    try {
      const workshop = new Workshop(folder, {
        databaseUrl: inject('databaseUrl'),
        templateDatabase: inject('templateDatabase'),
        redisUrl: inject('redisUrl'),
        rabbitmqUrl: inject('rabbitmqUrl'),
        managementUrl: inject('managementUrl'),
      })
      cpSync(join(folder, `${EXAMPLE}.example.ts`), join(folder, `${EXAMPLE}.test.ts`))
      const run = await workshop.without({
        rule: 'the limit of the sale holds for every buyer',
        file: 'core/contracts/limit-per-buyer.ts',
        text: `export function limitPerBuyer(sale: SaleTerms, _buyer: Buyer): number {
  return withinOneOrder(sale.priceCents, sale.perBuyerLimit)
}`,
        without: `export function limitPerBuyer(sale: SaleTerms, buyer: Buyer): number {
  const units = buyer.claims.tier === 'vip' ? Math.max(2, sale.perBuyerLimit) : sale.perBuyerLimit
  return withinOneOrder(sale.priceCents, units)
}`,
        tests: { file: `${EXAMPLE}.test.ts` },
      })
      expect(run).toEqual({ passed: 1, failed: [], broken: [] })
    } finally {
      await removeScratchFolder(folder)
    }
  },
  stretched(300_000),
)
