import Table from 'cli-table3'
import type { SagaList } from '../core/sagas/list.ts'

/** The sagas for a person, open ones first. */
export function formatSagas({ counts, sagas }: SagaList): string {
  const all = Object.entries(counts)
    .map(([state, count]) => `${count} ${state}`)
    .join(', ')
  if (sagas.length === 0) return `There are no such sagas (${all}).`
  const table = new Table({
    head: ['order', 'sale', 'saga', 'newest step', 'reason', 'order is', 'since', 'due'],
    style: { head: [], border: [] },
  })
  for (const { orderId, saleId, state, step, reason, orderStatus, updatedAt, dueAt } of sagas) {
    table.push([
      orderId,
      saleId,
      state,
      step.replace('order.', ''),
      reason ?? '–',
      orderStatus ?? 'gone',
      time(updatedAt),
      time(dueAt),
    ])
  }
  return `${table.toString()}\n${all}; ${sagas.length} shown.`
}

const time = (moment: Date) => moment.toISOString().slice(0, 19)
