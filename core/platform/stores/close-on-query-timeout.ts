/** A connection of the package `pg`, whose types leave the socket out. */
interface PgSocketConnection {
  query: (...args: unknown[]) => unknown
  connection: { stream: { destroy: () => void } }
}

/**
 * Closes a connection when one of its statements hits `query_timeout`. The ROLLBACK queues behind that statement, times
 * out as well and is never sent: back in the pool, the connection would still be inside the transaction, and the next
 * COMMIT on it would commit what had failed. PostgreSQL rolls back when the connection is gone.
 */
export function closeOnQueryTimeout(connection: object): void {
  const client = connection as PgSocketConnection
  const query = client.query.bind(client)
  client.query = (...args) => {
    const result = query(...args)
    // In the callback form the pool sees the error itself, and drops the connection.
    if (result instanceof Promise)
      result.catch((error: unknown) => {
        if (isQueryTimeout(error)) client.connection.stream.destroy()
      })
    return result
  }
}

const isQueryTimeout = (error: unknown) => error instanceof Error && error.message === 'Query read timeout'
