/** The part of the package that tests use; it brings no types along. */
declare module 'oidc-provider' {
  import type { Server } from 'node:http'
  import type { JWK } from 'jose'

  export class Provider {
    constructor(
      issuer: string,
      configuration: {
        jwks: { keys: JWK[] }
        clients: object[]
        features: Record<string, object>
        extraTokenClaims: (context: unknown, token: { clientId: string }) => object
      },
    )
    listen(port: number, host: string): Server
  }
}
