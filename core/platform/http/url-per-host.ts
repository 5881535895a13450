/** Scheme, user and password, hosts, rest. */
const PARTS = /^([a-z]+:\/\/)((?:[^/?#]*@)?)([^/?#]*)(.*)$/i

/** One URL for each host of a URL that lists several: scheme://user:password@a:1,b:2/path. */
export function urlPerHost(url: string): string[] {
  const [, scheme = '', user = '', hosts = '', rest = ''] = PARTS.exec(url) ?? []
  return scheme === '' ? [url] : hosts.split(',').map((host) => `${scheme}${user}${host}${rest}`)
}
