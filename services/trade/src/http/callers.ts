import { bearerOf, type Identity, type TokenVerifier } from '@tradesense/auth';
import type { FastifyInstance, FastifyRequest } from 'fastify';

import type { Reader } from '../views/index.js';
import { ProblemError } from './problem.js';
import type { RateLimits } from './rate-limit.js';

/** Who may call a route: users, each for what is theirs, and tokens with one of the scopes. */
const AUDIENCES = {
  anyone: { users: true, scopes: ['trades:write', 'ops:read', 'ops:write'] },
  readers: { users: true, scopes: ['trades:write', 'ops:read'] },
  services: { users: false, scopes: ['trades:write'] },
  checkers: { users: false, scopes: ['trades:write', 'ops:read', 'ops:write'] },
  operators: { users: false, scopes: ['ops:write'] },
} as const satisfies Record<string, { readonly users: boolean; readonly scopes: readonly string[] }>;
export type Audience = keyof typeof AUDIENCES;

/** In words, for the API's description. */
export function audienceInWords(audience: Audience): string {
  const { users, scopes } = AUDIENCES[audience];
  return [...(users ? ["a user's token"] : []), ...scopes.map((scope) => `scope \`${scope}\``)].join(', or ');
}

/** The ways in, each by the name of its kind of token with the scope it needs; the same description's. */
export function waysIn(audience: Audience): readonly Readonly<Record<string, string[]>>[] {
  const { users, scopes } = AUDIENCES[audience];
  const kindOf = (scope: string): string => (scope === 'trades:write' ? 'service' : 'operator');
  return [...(users ? [{ user: [] }] : []), ...scopes.map((scope) => ({ [kindOf(scope)]: [scope] }))];
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Who may call the route; `public` needs no token. A route that names nobody lets nobody in. */
    audience?: Audience | 'public';
    /** The longest body, in bytes, where it is not the usual. */
    bodyBytes?: number;
  }
}

const REFUSALS = {
  unauthorized: 'unauthenticated',
  token_expired: 'token-expired',
  unavailable: 'keys-unavailable',
} as const;

const callers = new WeakMap<FastifyRequest, Identity>();

function callerOf(request: FastifyRequest): Identity {
  const caller = callers.get(request);
  if (caller === undefined) throw new Error('the route lets anybody in');
  return caller;
}

/** Whose eyes the caller has: a user sees their own, all others everything. */
export function readerOf(request: FastifyRequest): Reader {
  const caller = callerOf(request);
  return caller.is === 'user' ? { is: 'user', userId: caller.userId } : { is: 'service' };
}

const LONGEST_WHO = 128;

/** Who acts, for the audit. @throws ProblemError where the token names nobody */
export function operatorOf(request: FastifyRequest): string {
  const caller = callerOf(request);
  const who = caller.is === 'machine' ? caller.subject : '';
  if (who === '' || who.length > LONGEST_WHO || /\p{Cc}/u.test(who))
    throw new ProblemError('forbidden', {
      detail: `The token must name its operator in sub, in 1 to ${LONGEST_WHO} characters.`,
    });
  return who;
}

/**
 * Identity from the bearer token, then what it allows, then how often: before a byte of the body is read, so that nobody
 * without a token makes us parse 2 MiB.
 */
export function admitCallers(
  fastify: FastifyInstance,
  verifier: Pick<TokenVerifier, 'verify'>,
  rateLimits: RateLimits,
): void {
  fastify.addHook('onRequest', async (request, reply) => {
    const { audience } = request.routeOptions.config;
    if (audience === 'public') return;
    const verification = await verifier.verify(bearerOf(request.headers.authorization));
    if (!verification.ok) throw new ProblemError(REFUSALS[verification.code]);
    const { identity } = verification;
    if (audience === undefined || !isAmong(AUDIENCES[audience], identity)) throw new ProblemError('forbidden');
    reply.headers(rateLimits.take(identity));
    callers.set(request, identity);
  });
}

const isAmong = (audience: (typeof AUDIENCES)[Audience], identity: Identity): boolean =>
  identity.is === 'user' ? audience.users : audience.scopes.some((scope) => identity.scopes.has(scope));
