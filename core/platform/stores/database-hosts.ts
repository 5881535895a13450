/** Scheme, user and password, hosts, rest. */
const PARTS = /^([a-z]+:\/\/)((?:[^/?#]*@)?)([^/?#]*)(.*)$/i

/**
 * One URL for each host of a DATABASE_URL, which lists them as libpq does: postgresql://user:password@a:5432,b/shop.
 * Without `target_session_attrs`, which the driver does not know.
 */
export function databaseHosts(url: string): string[] {
  const [, scheme = '', user = '', hosts = '', rest = ''] = PARTS.exec(url) ?? []
  const known = rest.replace(/([?&])target_session_attrs=[^&#]*&?/, '$1').replace(/[?&]$/, '')
  return scheme === '' ? [url] : hosts.split(',').map((host) => `${scheme}${user}${host}${known}`)
}
