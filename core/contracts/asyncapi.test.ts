import { expect, test } from 'vitest'
import { asyncApiDocument } from './asyncapi.ts'
import { ORDER_EVENT_TYPES } from './messages.ts'

test('the document names every event, and every reference in it leads somewhere', () => {
  const document = asyncApiDocument() as {
    components: { messages: Record<string, unknown>; schemas: { OrderEvent: { required: string[] } } }
  }
  expect(Object.keys(document.components.messages)).toEqual([...ORDER_EVENT_TYPES, 'events'])
  expect(document.components.schemas.OrderEvent.required).toEqual(
    expect.arrayContaining(['v', 'eventId', 'orderId', 'sequence', 'at', 'traceparent']),
  )
  const references = [...JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)].map(([, path = '']) => path)
  expect(references.length).toBeGreaterThan(ORDER_EVENT_TYPES.length)
  for (const path of references) {
    const target = path
      .split('/')
      .reduce<unknown>((node, key) => (node as Record<string, unknown> | undefined)?.[key], document)
    expect(target, path).toBeDefined()
  }
})
