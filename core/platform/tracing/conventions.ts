import type { Attributes, Described } from './trace.ts'

/** Spans by OpenTelemetry's semantic conventions (https://opentelemetry.io/docs/specs/semconv/). */

/** Messages on their way to RabbitMQ or from there. */
export const messaging = (
  operation: 'send' | 'process',
  destination: string,
  attributes: Attributes = {},
): Described => ({
  name: `${operation} ${destination}`,
  kind: operation === 'send' ? 'PRODUCER' : 'CONSUMER',
  attributes: {
    'messaging.system': 'rabbitmq',
    'messaging.operation.type': operation,
    'messaging.operation.name': operation,
    'messaging.destination.name': destination,
    ...attributes,
  },
})

export const batchOf = ({ length }: readonly unknown[]): Attributes => ({ 'messaging.batch.message_count': length })

/** A call of a database; the operation names what is asked of it, and is no SQL. */
export const databaseCall = (system: 'postgresql' | 'redis', operation: string): Described => ({
  name: `${operation} ${system}`,
  kind: 'CLIENT',
  attributes: { 'db.system.name': system, 'db.operation.name': operation },
})
