import type { Registry } from 'prom-client'
import { gauge } from '../process/metrics.ts'
import type { Checks } from '../process/readiness.ts'
import { repeat } from '../process/repeat.ts'
import type { Context } from '../process/service.ts'
import { KeySet } from './key-set.ts'
import type { TokenConfig } from './token-settings.ts'
import type { OutsideLogin } from './outside-login.ts'
import { createTokens, OUR_RULES, type Tokens } from './tokens.ts'

/** The buyers' tokens of a service, with the key set of an outside login where one is configured, and its check. */
export function startTokens(
  { config, log, closers }: Context<TokenConfig>,
  metrics: Registry,
): { tokens: Tokens; checks: Checks } {
  const { LOGIN_JWKS: address, TOKENS_REMEMBERED_MAX: rememberedMax } = config
  const rules = {
    ...OUR_RULES,
    lifetimeMaxMs: config.TOKEN_LIFETIME_HOURS_MAX * 3_600_000,
    clockSkewMs: config.TOKEN_CLOCK_SKEW_SECONDS * 1_000,
  }
  if (!address) return { tokens: createTokens(config.TOKEN_SECRET, { rules, rememberedMax }), checks: {} }

  const keySet = new KeySet(address)
  // Not among the loops of /readyz: the service stays ready with the last good set.
  const reading = repeat(config.LOGIN_REFRESH_SECONDS * 1_000, () => keySet.read(), log.child({ loop: 'key set' }))
  closers.add('key set', () => reading.close())
  gauge(metrics, 'seckill_login_keys_age_seconds', (age) => age.set(keySet.ageSeconds))
  const login: OutsideLogin = {
    keySet,
    algorithms: config.LOGIN_ALGORITHMS,
    rules: {
      ...rules,
      issuer: config.LOGIN_ISSUER ?? '',
      audience: config.LOGIN_AUDIENCE,
      tierClaim: config.LOGIN_TIER_CLAIM,
      blockedClaim: config.LOGIN_BLOCKED_CLAIM,
      registeredClaim: config.LOGIN_REGISTERED_CLAIM,
    },
  }
  return {
    tokens: createTokens(config.TOKEN_SECRET, { rules, login, rememberedMax }),
    checks: { login: () => keySet.check() },
  }
}
