import { once } from 'node:events'
import { exportJWK, generateKeyPair, type JWK } from 'jose'
import { Provider } from 'oidc-provider'
import { freePort } from '../../dev/servers/ports.ts'
import { ASYMMETRIC } from '../../core/platform/http/outside-login.ts'

type Algorithm = (typeof ASYMMETRIC)[number]

export interface OidcLogin {
  issuer: string
  jwks: string
  /** A token that the provider issues to this buyer. */
  tokenOf: (buyer: string, algorithm: Algorithm) => Promise<string>
  /** Starts the provider again at its address, with new keys of other `kid`s. */
  rotate: () => Promise<void>
  stop: () => Promise<void>
}

/**
 * A real provider of OpenID Connect. Buyers are its clients, whose tokens need no page: `sub` is the client's id.
 * @param claimsOf each buyer, beside the standard ones
 */
export async function startOidcLogin(audience: string, claimsOf: Record<string, object>): Promise<OidcLogin> {
  const port = await freePort()
  const issuer = `http://127.0.0.1:${port}`
  let generation = 0
  let stop = await start()

  async function start(): Promise<() => Promise<void>> {
    generation++
    const keys = await Promise.all(ASYMMETRIC.map((algorithm) => newKey(algorithm, `${algorithm}-${generation}`)))
    const provider = new Provider(issuer, {
      jwks: { keys },
      clients: Object.keys(claimsOf).map((id) => ({
        client_id: id,
        client_secret: SECRET,
        grant_types: ['client_credentials'],
        redirect_uris: [],
        response_types: [],
      })),
      features: {
        devInteractions: { enabled: false },
        clientCredentials: { enabled: true },
        resourceIndicators: {
          enabled: true,
          getResourceServerInfo: (_context: unknown, resource: string) => ({
            scope: '',
            audience,
            accessTokenTTL: 3_600,
            accessTokenFormat: 'jwt',
            jwt: { sign: { alg: resource.slice(RESOURCE.length) } },
          }),
        },
      },
      extraTokenClaims: (_context, { clientId }) => claimsOf[clientId] ?? {},
    })
    const server = provider.listen(port, '127.0.0.1')
    await once(server, 'listening')
    return async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    }
  }

  return {
    issuer,
    jwks: `${issuer}/jwks`,
    tokenOf: (buyer, algorithm) => requestToken(issuer, buyer, algorithm),
    async rotate() {
      await stop()
      stop = await start()
    },
    stop: () => stop(),
  }
}

const SECRET = 'known to the test alone'
const RESOURCE = 'urn:shop:'

async function newKey(algorithm: Algorithm, kid: string): Promise<JWK> {
  const { privateKey } = await generateKeyPair(algorithm, { extractable: true })
  return { ...(await exportJWK(privateKey)), kid, alg: algorithm, use: 'sig' }
}

async function requestToken(issuer: string, buyer: string, algorithm: Algorithm): Promise<string> {
  const credentials = [buyer, SECRET].map((part) => encodeURIComponent(part)).join(':')
  const response = await fetch(`${issuer}/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(credentials).toString('base64')}` },
    body: new URLSearchParams({ grant_type: 'client_credentials', resource: RESOURCE + algorithm }),
  })
  const answer = (await response.json()) as { access_token?: string }
  if (!answer.access_token) throw new Error(`The provider issued no token: ${JSON.stringify(answer)}`)
  return answer.access_token
}
