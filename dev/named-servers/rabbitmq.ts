import { type ChannelModel, connect } from 'amqplib'
import { addressOf, connectionFault, Fault, type NamedServer, type ServerReport, userOf } from './fault.ts'

const ANSWER_LIMIT_MS = 10_000

/** @throws Fault, or an error that a retry may mend */
export async function checkRabbitmq(server: NamedServer): Promise<ServerReport> {
  let model: ChannelModel | undefined
  try {
    model = await connect(server.url.href, { timeout: ANSWER_LIMIT_MS })
    await declareByHash(model)
    const { version } = model.connection.serverProperties as { version?: string }
    return { version: version ?? 'of unknown version', warnings: [] }
  } catch (error) {
    throw faultOf(error, server) ?? error
  } finally {
    await model?.close().catch(() => {
      /* The broker has closed it already: 3.10 does for an unknown exchange type. */
    })
  }
}

/** Tests for the plugin by declaring an exchange of its type, which the subscribers' partitions need. */
async function declareByHash(model: ChannelModel): Promise<void> {
  let refusal: Error | undefined
  const refused = new Promise<never>((_, reject) => {
    // RabbitMQ 3.10 closes the whole connection, and gives the reason in this event only.
    model.on('error', (error: Error) => {
      refusal ??= error
    })
    model.on('close', () => reject(refusal ?? new Error('The connection was closed')))
  })
  refused.catch(() => {}) // Closing the connection rejects it after the race is over.
  const channel = await model.createChannel()
  channel.on('error', (error: Error) => {
    refusal ??= error
  })
  const name = `seckill.probe.${process.pid}`
  const declared = channel
    .assertExchange(name, 'x-consistent-hash', { durable: false, autoDelete: true })
    .then(() => channel.deleteExchange(name))
  await Promise.race([declared, refused])
}

function faultOf(error: unknown, server: NamedServer): Fault | undefined {
  const { message } = error as Error
  const user = userOf(server, 'guest')
  if (/unknown exchange type|COMMAND.INVALID/i.test(message)) {
    return new Fault(
      'this RabbitMQ lacks a plugin; run there: rabbitmq-plugins enable rabbitmq_consistent_hash_exchange',
    )
  }
  if (/ACCESS.REFUSED.*exchange|configure access|access to exchange/i.test(message)) {
    return new Fault(
      `the user "${user}" may not declare exchanges; run there: rabbitmqctl set_permissions -p <virtual ` +
        `host> ${user} '.*' '.*' '.*'`,
    )
  }
  if (/ACCESS.REFUSED|403/.test(message)) {
    return new Fault(
      `RabbitMQ does not let the user "${user}" in: the password is wrong, or it is "guest" from another machine.`,
    )
  }
  // amqplib does not read why the broker refused to open the virtual host.
  if (/NOT.ALLOWED|530|Expected ConnectionOpenOk/.test(message)) {
    return new Fault(
      `the user "${user}" may not use the virtual host ` +
        `"${decodeURIComponent(server.url.pathname.slice(1)) || '/'}", or there is none of that name.`,
    )
  }
  if (/Socket closed abruptly|Expected protocol|Invalid frame/i.test(message)) {
    return new Fault(
      `what listens at ${addressOf(server)} does not speak AMQP 0-9-1 without TLS; check port and scheme ` +
        '(amqp or amqps).',
    )
  }
  return connectionFault(error, server)
}
