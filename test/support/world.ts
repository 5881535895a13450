import { inject } from 'vitest'
import { makeWorld, type World } from './make-world.ts'

export type { World } from './make-world.ts'

/** A world on the servers that test/global-setup.ts started. */
export const createWorld = (): Promise<World> =>
  makeWorld({
    databaseUrl: inject('databaseUrl'),
    templateDatabase: inject('templateDatabase'),
    redisUrl: inject('redisUrl'),
    rabbitmqUrl: inject('rabbitmqUrl'),
    managementUrl: inject('managementUrl'),
  })
