import { cpSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect, inject, test } from 'vitest'
import { applyPatch } from '../dev/documents/guide.ts'
import { makeScratchFolder, removeScratchFolder } from '../dev/scratch-folder.ts'
import { RunRecord } from '../dev/run-file.ts'
import { Workshop } from './mutations/workshop.ts'
import { stretched } from './support/patience.ts'

const EXAMPLE = 'test/worked-examples/vip-buyers'

test(
  'who may buy how many is one function: changing it alone lets VIP buyers buy 2, and members only what is dear',
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
      applyPatch(resolve('docs/forking/who-may-buy.patch'), folder)
      const run = await workshop.run([`${EXAMPLE}.test.ts`], [''])
      expect(run).toEqual({ passed: 2, failed: [], broken: [] })
    } finally {
      await removeScratchFolder(folder)
    }
  },
  stretched(300_000),
)
