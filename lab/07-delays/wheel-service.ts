/**
 * A delay service in a process of its own, so that it can be killed: it takes messages from `to-be-delayed`, keeps them
 * in a timing wheel in its memory, and sends them to `due` when their time has come. RABBITMQ_URL is its broker.
 */
import { connect } from 'amqplib'
import { TimingWheel } from './timing-wheel.ts'

const broker = await connect(process.env.RABBITMQ_URL ?? '')
const channel = await broker.createChannel()
const wheel = new TimingWheel<Buffer>((message) => channel.sendToQueue('due', message, { persistent: true }))
await channel.consume(
  'to-be-delayed',
  (message) => {
    if (message) wheel.add(message.content, Number(message.properties.headers?.delayMs))
  },
  { noAck: true },
)
