import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Ledger, reservation, rules } from '../../test/support/ledger.ts'
import { createWorld, type World } from '../../test/support/world.ts'
import { cancelOverdue, overdueOrders } from '../orders/overdue.ts'
import { placeOrders } from '../orders/place-orders.ts'
import { connectDatabase, type Database } from './database.ts'

let world: World
let ledger: Ledger
beforeAll(async () => {
  world = await createWorld()
  ledger = new Ledger(world)
})
afterAll(async () => { await world.close() })

/** What connects from now on, until the work is done, finds the database with these defaults. */
async function withDefaults(defaults: Record<string, string>, work: (database: Database) => Promise<void>): Promise<void> {
  for (const [name, value] of Object.entries(defaults)) await world.database.$executeRawUnsafe(`ALTER DATABASE "${world.name}" SET ${name} = ${value}`)
  const database = connectDatabase(world.databaseUrl)
  try {
    await work(database)
  } finally {
    await database.$disconnect()
    for (const name of Object.keys(defaults)) await world.database.$executeRawUnsafe(`ALTER DATABASE "${world.name}" RESET ${name}`)
  }
}
