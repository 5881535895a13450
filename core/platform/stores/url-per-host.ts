/** Scheme, user and password, hosts, rest. */
const PARTS = /^([a-z]+:\/\/)((?:[^/?#]*@)?)([^/?#]*)(.*)$/i

/** One URL for each host of a URL that lists several: scheme://user:password@a:1,b:2/path. */
export function urlPerHost(url: string): string[] {
  const [, scheme = '', user = '', hosts = '', rest = ''] = PARTS.exec(url) ?? []
  return scheme === '' ? [url] : hosts.split(',').map((host) => `${scheme}${user}${host}${rest}`)
}

/** Of a DATABASE_URL, without `target_session_attrs`, which libpq reads and our driver does not know. */
export const databaseHosts = (url: string): string[] =>
  urlPerHost(url.replace(/([?&])target_session_attrs=[^&#]*&?/, '$1').replace(/[?&]$/, ''))
