import { createPublicKey, createSecretKey, type KeyObject } from 'node:crypto';

import { USER_ID_MAX_LENGTH, type UserId } from '@tradesense/contracts';
import { systemClock, type Clock } from '@tradesense/platform';
import { Strategy, type StrategyOptionsWithoutRequest, type VerifiedCallback } from 'passport-jwt';

import type { Identity, Verification } from './identity.js';
import { KEY_ALGORITHMS, KeySet, KeysUnavailable, type KeySetSignals } from './key-set.js';

export interface TokenRules {
  readonly secret: string;
  /** Empty: `secret` rules. The configuration chooses the key, never the token. */
  readonly jwksUrl: string;
  readonly issuer: string;
  readonly audience: string;
  readonly userClaim: string;
}

export interface VerifierOptions {
  readonly clock?: Clock;
  /** For a verifier with a key set. */
  readonly signals?: KeySetSignals;
}

export const SKEW_S = 5;
const LONGEST_LIFE_S = 90 * 86_400;
const LONGEST_TOKEN = 8_192;
const MACHINE_SCOPES = ['trades:write', 'ops:read', 'ops:write'];

type Claims = Readonly<Record<string, unknown>>;
type Outcome = { readonly claims: Claims } | { readonly failure: unknown };

type KeyChoice =
  | Pick<WithSecretOrKey, 'secretOrKey' | 'algorithms'>
  | Pick<WithSecretOrKeyProvider, 'secretOrKeyProvider' | 'algorithms'>;
type WithSecretOrKey = Extract<StrategyOptionsWithoutRequest, { secretOrKey: unknown }>;
type WithSecretOrKeyProvider = Extract<StrategyOptionsWithoutRequest, { secretOrKeyProvider: unknown }>;

const SILENT: KeySetSignals = { fetched: () => undefined, breaker: () => undefined };

/** passport-jwt hands key objects on as they are; only its types know none. */
const typedAsKey = (key: KeyObject): Buffer => key as unknown as Buffer;

/**
 * The secret as a key object, once: given text, jsonwebtoken tries at every token to read a public key from it, which takes 60
 * times as long as verifying (1.3 ms against 20 µs). A public key stays one, and then verifies no HMAC.
 */
function keyObject(secret: string): Buffer {
  const asKey = (): KeyObject => {
    try {
      return createPublicKey(secret);
    } catch {
      return createSecretKey(Buffer.from(secret));
    }
  };
  return typedAsKey(asKey());
}

/** The configuration says which keys there are; the token's `kid` may only choose among them. */
function keyOf(rules: TokenRules, clock: Clock, signals: KeySetSignals): KeyChoice {
  if (rules.jwksUrl === '') return { secretOrKey: keyObject(rules.secret), algorithms: ['HS256'] };
  const keys = new KeySet(rules.jwksUrl, clock, signals);
  const secretOrKeyProvider = (
    _request: unknown,
    token: string,
    done: (error: unknown, key?: Buffer) => void,
  ): void => {
    keys.publicKey(kidOf(token)).then(
      (key) => done(null, typedAsKey(key)),
      (error: unknown) => done(error),
    );
  };
  return { secretOrKeyProvider, algorithms: [...KEY_ALGORITHMS] };
}

/** Undefined where there is none: what is no token is refused later, by its signature. */
function kidOf(token: string): string | undefined {
  try {
    const { kid } = JSON.parse(Buffer.from(token.split('.', 1)[0] ?? '', 'base64url').toString()) as Claims;
    return typeof kid === 'string' ? kid : undefined;
  } catch {
    return undefined;
  }
}

/**
 * The one verifier, for HTTP and for the socket handshake: passport-jwt's strategy, driven without a framework. Algorithm,
 * issuer and audience are pinned; `iat`, `exp` and the user claim (or a scope) are required; exp - iat is bounded.
 */
export class TokenVerifier {
  readonly #rules: TokenRules;
  readonly #clock: Clock;
  readonly #options: StrategyOptionsWithoutRequest;

  constructor(rules: TokenRules, { clock = systemClock, signals = SILENT }: VerifierOptions = {}) {
    this.#rules = rules;
    this.#clock = clock;
    this.#options = {
      ...keyOf(rules, clock, signals),
      jwtFromRequest: (request) => (request as unknown as { token: string }).token,
      issuer: rules.issuer,
      audience: rules.audience,
    } as StrategyOptionsWithoutRequest;
  }

  async verify(token: unknown): Promise<Verification> {
    if (typeof token !== 'string' || token === '') return { ok: false, code: 'unauthorized', why: 'no token' };
    if (token.length > LONGEST_TOKEN) return { ok: false, code: 'unauthorized', why: 'token too long' };
    const outcome = await this.#run(token);
    return 'claims' in outcome ? this.#identify(outcome.claims) : refusalOf(outcome.failure);
  }

  /** One strategy object per run: passport hangs the outcome's callbacks on it. */
  #run(token: string): Promise<Outcome> {
    return new Promise((resolve) => {
      const jsonWebTokenOptions = {
        clockTolerance: SKEW_S,
        clockTimestamp: Math.floor(this.#clock.now() / 1000),
      };
      const strategy = new Strategy(
        { ...this.#options, jsonWebTokenOptions },
        (claims: Claims, done: VerifiedCallback) => done(null, claims as object),
      );
      Object.assign(strategy, {
        success: (claims: Claims) => resolve({ claims }),
        fail: (failure: unknown) => resolve({ failure }),
        error: (failure: unknown) => resolve({ failure }),
      });
      strategy.authenticate({ token } as never);
    });
  }

  #identify(claims: Claims): Verification {
    const refuse = (why: string): Verification => ({ ok: false, code: 'unauthorized', why });
    const { iat, exp, iss, jti, scope, sub } = claims;
    if (typeof iat !== 'number' || typeof exp !== 'number') return refuse('iat and exp are required');
    if (exp - iat > LONGEST_LIFE_S) return refuse('lives longer than 90 days');
    if (iat > this.#clock.now() / 1000 + SKEW_S) return refuse('issued in the future');
    if (scope !== undefined && typeof scope !== 'string') return refuse('scope is not text');
    const common = {
      issuer: String(iss),
      issuedAt: iat,
      expiresAt: exp,
      tokenId: typeof jti === 'string' ? jti : undefined,
    };
    const scopes = new Set((scope ?? '').split(' ').filter((word) => word !== ''));
    if (MACHINE_SCOPES.some((word) => scopes.has(word)))
      return { ok: true, identity: { ...common, is: 'machine', subject: typeof sub === 'string' ? sub : '', scopes } };
    const user = claims[this.#rules.userClaim] ?? claims['user_id'];
    if (typeof user !== 'string' || user === '' || user.length > USER_ID_MAX_LENGTH) return refuse('no user claim');
    const identity: Identity = { ...common, is: 'user', userId: user as UserId };
    return { ok: true, identity };
  }
}

function refusalOf(failure: unknown): Verification {
  const why = failure instanceof Error ? failure.name : 'refused';
  if (failure instanceof KeysUnavailable) return { ok: false, code: 'unavailable', why };
  return { ok: false, code: why === 'TokenExpiredError' ? 'token_expired' : 'unauthorized', why };
}

/** `Bearer <token>` of an Authorization header, or undefined. */
export const bearerOf = (header: unknown): string | undefined =>
  typeof header === 'string' ? /^Bearer +([\w.~+/=-]+)$/i.exec(header)?.[1] : undefined;

/** The verifier's rules out of a service's settings. */
export const tokenRulesOf = (config: {
  readonly JWT_SECRET: string;
  readonly JWT_JWKS_URL: string;
  readonly JWT_ISSUER: string;
  readonly JWT_AUDIENCE: string;
  readonly JWT_USER_CLAIM: string;
}): TokenRules => ({
  secret: config.JWT_SECRET,
  jwksUrl: config.JWT_JWKS_URL,
  issuer: config.JWT_ISSUER,
  audience: config.JWT_AUDIENCE,
  userClaim: config.JWT_USER_CLAIM,
});
