/**
 * Plays faults against the shop of the checkout in which this file stands, and prints what happened, one JSON object
 * a line. LAB_WORLD says where, LAB_FAULTS which.
 */
import type { WorldAddress } from '../../test/support/make-world.ts'
import { type Entry, FAULTS } from './entry.ts'
import { CROWD, PLAYS } from './faults.ts'
import { Rush } from './rush.ts'
import { setStage } from './stage.ts'

const stage = await setStage(JSON.parse(process.env.LAB_WORLD ?? '') as WorldAddress)
const asked = (process.env.LAB_FAULTS ?? '').split(',')
const tell = (entry: Entry) => process.stdout.write(`${JSON.stringify(entry)}\n`)
for (const fault of FAULTS.filter((each) => asked.includes(each))) {
  const stock = fault === 'above-stock' ? CROWD : 2 * CROWD
  const rush = new Rush(stage, fault, await stage.system.createSale({ stock }), tell)
  await PLAYS[fault](stage, rush)
  await rush.audit()
}
await stage.close()
process.exit(0)
