import type { Guard } from '../guard.ts'
import { clusterGuards } from './clusters.ts'
import { gatewayGuards } from './gateway.ts'
import { loginGuards } from './login.ts'
import { moneyGuards } from './money.ts'
import { operatorGuards } from './operators.ts'
import { openingGuards } from './opening.ts'
import { nodeGuards } from './nodes.ts'
import { orderGuards } from './orders.ts'
import { paymentGuards } from './payments.ts'
import { sagaGuards } from './sagas.ts'
import { saleGuards } from './sales.ts'
import { stockGuards } from './stock.ts'
import { subscriberGuards } from './subscribers.ts'
import { waitingRoomGuards } from './waiting-room.ts'

export const GUARDS: Guard[] = [
  ...stockGuards,
  ...orderGuards,
  ...saleGuards,
  ...operatorGuards,
  ...paymentGuards,
  ...moneyGuards,
  ...gatewayGuards,
  ...loginGuards,
  ...subscriberGuards,
  ...sagaGuards,
  ...openingGuards,
  ...waitingRoomGuards,
  ...nodeGuards,
  ...clusterGuards,
]
