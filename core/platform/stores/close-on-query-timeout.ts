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
export function closeOnQueryTimeout(connection: object, onTimeout = () => {}): void {
  const client = connection as PgSocketConnection
  const query = client.query.bind(client)
  const notice = (error: unknown) => {
    if (!isQueryTimeout(error)) return
    client.connection.stream.destroy()
    onTimeout()
  }
  client.query = (...args) => {
    const last = args.at(-1)
    if (typeof last !== 'function') {
      const result = query(...args)
      if (result instanceof Promise) result.catch(notice)
      return result
    }
    const callback = last as (...results: unknown[]) => void
    return query(...args.slice(0, -1), (error: unknown, ...rest: unknown[]) => {
      notice(error)
      callback(error, ...rest)
    })
  }
}

const isQueryTimeout = (error: unknown) => error instanceof Error && error.message === 'Query read timeout'
