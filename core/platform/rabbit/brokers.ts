import { randomInt } from 'node:crypto'
import { unescape } from 'node:querystring'
import { type ChannelModel, connect, type Options } from 'amqplib'
import { brokersOf } from './broker-list.ts'

const CONNECT_LIMIT_MS = 5_000

/**
 * A connection that has fallen silent is noticed after two missed heartbeats. RabbitMQ proposes 60 s, which would take
 * as long as a reservation lives.
 */
const HEARTBEAT_SECONDS = 5

/** The nodes in turn, for ever; from a random one on, so that the connections spread over them. */
export function brokersInTurn(list: string): () => Options.Connect {
  const addresses = brokersOf(list).map(addressOf)
  let next = randomInt(addresses.length)
  return () => addresses[next++ % addresses.length] as Options.Connect
}

/** Connects to the first node that answers. @throws the error of the last one when none does */
export async function connectToBroker(list: string, name: string): Promise<ChannelModel> {
  const nextBroker = brokersInTurn(list)
  for (let left = brokersOf(list).length; ; left--) {
    try {
      return await connect(nextBroker(), socketOptions(name))
    } catch (error) {
      if (left === 1) throw error
    }
  }
}

/** @param name shown in the broker's list of connections */
export const socketOptions = (name: string) => ({
  // Without it each small frame waits up to 40 ms for the peer's delayed ACK: 22/s instead of 3,500/s.
  noDelay: true,
  timeout: CONNECT_LIMIT_MS,
  clientProperties: { connection_name: name },
})

/** As amqplib reads a URL, but with a heartbeat of our own. */
function addressOf(broker: string): Options.Connect {
  const { protocol, hostname, port, username, password, pathname, searchParams } = new URL(broker)
  const isAnonymous = username === '' && password === ''
  const { heartbeat = HEARTBEAT_SECONDS, ...parameters } = Object.fromEntries(searchParams)
  return {
    ...parameters,
    heartbeat: Number(heartbeat),
    protocol: protocol.replace(':', ''),
    hostname: hostname.replace(/^\[|\]$/g, ''),
    port: Number(port) || (protocol === 'amqps:' ? 5671 : 5672),
    username: isAnonymous ? 'guest' : unescape(username),
    password: isAnonymous ? 'guest' : unescape(password),
    vhost: pathname.slice(1),
  }
}
