/** What this needs of a connection of the package `pg`, whose types leave the socket out. */
interface EndableConnection {
  query: (...call: unknown[]) => unknown
  connection: { stream: { destroy: () => void } }
}

/**
 * Ends a connection one of whose statements was not answered in time (`query_timeout`). The ROLLBACK waits behind that
 * statement, is given up as well and never sent: back in the pool, the connection would still be in the transaction,
 * and the next one's COMMIT would write down what had failed. Without its connection PostgreSQL rolls it back by
 * itself.
 */
export function endWhenUnanswered(connection: object): void {
  const client = connection as EndableConnection
  const query = client.query.bind(client)
  client.query = (...call) => {
    const result = query(...call)
    // With a callback the pool hears of the failure itself, and drops the connection.
    if (result instanceof Promise)
      result.catch((error: unknown) => {
        if (isUnanswered(error)) client.connection.stream.destroy()
      })
    return result
  }
}

const isUnanswered = (error: unknown) => error instanceof Error && error.message === 'Query read timeout'
