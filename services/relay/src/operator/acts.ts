import { bearerOf, type TokenVerifier } from '@tradesense/auth';
import { AdminProblem, faultOf, type AdminActs, type AdminRequest } from '@tradesense/platform';

import { Session, type Statement } from '../database/index.js';
import {
  listAudit,
  listDeadLetters,
  wishFor,
  type Act,
  type AuditRow,
  type DeadLetterRow,
  type WishedRow,
} from './statements.js';

export interface OperatorOptions {
  readonly databaseUrl: string;
  readonly verifier: Pick<TokenVerifier, 'verify'>;
}

const STATEMENT_MS = 5_000;
const MOST = 1_000;
const LONGEST_WHY = 500;
const REFUSALS = {
  unauthorized: 'unauthenticated',
  token_expired: 'token-expired',
  unavailable: 'keys-unavailable',
} as const;

/**
 * At any relay, leader or not: a wish is a mark in the database, and the leader does it.
 *
 *   GET  /dead-letters?after=&limit=         ops:read    {items, next}
 *   POST /dead-letters/retry | /discard      ops:write   {challenge_ids | all: true, why} -> 202 {wished, left_alone}
 *   GET  /audit?after=&limit=                ops:read    {items, next}
 */
export function operatorActs(options: OperatorOptions): AdminActs {
  return async (request) => {
    const { method, path } = request;
    const wish = /^\/dead-letters\/(retry|discard)$/.exec(path)?.[1] as Act['wish'] | undefined;
    if (wish !== undefined) {
      if (method !== 'POST') throw new AdminProblem('method-not-allowed', 'Use POST.');
      const who = await operatorWith('ops:write', request, options);
      return { status: 202, body: await wished({ wish, who, ...wishOf(await request.body()) }, options) };
    }
    const list = LISTS[path];
    if (list === undefined) throw new AdminProblem('not-found', 'No such act; see the README for those there are.');
    if (method !== 'GET') throw new AdminProblem('method-not-allowed', 'Use GET.');
    await operatorWith('ops:read', request, options);
    return { status: 200, body: await list(request.query, options) };
  };
}

type List = (
  query: URLSearchParams,
  options: OperatorOptions,
) => Promise<{ items: readonly object[]; next: string | null }>;

const LISTS: Readonly<Record<string, List>> = {
  '/dead-letters': async (query, options) => {
    const limit = limitOf(query);
    const items = await ask<DeadLetterRow>(listDeadLetters(query.get('after') ?? '', limit), options);
    return { items, next: items.length < limit ? null : items.at(-1)!.challenge_id };
  },
  '/audit': async (query, options) => {
    const limit = limitOf(query);
    const after = query.get('after') ?? '0';
    if (!/^\d{1,18}$/.test(after)) throw new AdminProblem('invalid-request', 'after must be the id of an entry.');
    const items = await ask<AuditRow>(listAudit(BigInt(after), limit), options);
    return { items, next: items.length < limit ? null : items.at(-1)!.id };
  },
};

async function wished(act: Act, options: OperatorOptions): Promise<object> {
  const rows = await ask<WishedRow>(wishFor(act), options);
  const done = new Set(rows.map(({ challenge_id }) => challenge_id));
  return {
    wished: rows.map(({ challenge_id, event_id }) => ({ challenge_id, event_id })),
    /** Not parked, or with a wish already. */
    left_alone: (act.challengeIds ?? []).filter((challengeId) => !done.has(challengeId)),
  };
}

/** Who it is. */
async function operatorWith(
  scope: 'ops:read' | 'ops:write',
  { authorization }: AdminRequest,
  { verifier }: OperatorOptions,
): Promise<string> {
  const verification = await verifier.verify(bearerOf(authorization));
  if (!verification.ok) throw new AdminProblem(REFUSALS[verification.code]);
  const { identity } = verification;
  if (identity.is !== 'machine' || !identity.scopes.has(scope))
    throw new AdminProblem('forbidden', `This needs a token with the scope ${scope}.`);
  if (identity.subject === '') throw new AdminProblem('forbidden', 'The token must name its operator in sub.');
  return identity.subject;
}

function wishOf(body: unknown): Pick<Act, 'challengeIds' | 'why'> {
  const { challenge_ids: ids, all, why, ...others } = (body ?? {}) as Readonly<Record<string, unknown>>;
  const unknown = Object.keys(others)[0];
  if (typeof body !== 'object' || Array.isArray(body) || unknown !== undefined)
    throw new AdminProblem('invalid-request', `Send {"challenge_ids": […] or "all": true, "why": "…"}.`);
  if (typeof why !== 'string' || why.trim() === '' || why.length > LONGEST_WHY || /\p{Cc}/u.test(why))
    throw new AdminProblem('invalid-request', `why must say in 1 to ${LONGEST_WHY} characters why this is done.`);
  if (all === true && ids === undefined) return { challengeIds: undefined, why };
  const isList =
    Array.isArray(ids) && ids.length > 0 && ids.length <= MOST && ids.every((id) => typeof id === 'string');
  if (all !== undefined || !isList)
    throw new AdminProblem('invalid-request', `challenge_ids must be a list of 1 to ${MOST} ids, or all must be true.`);
  return { challengeIds: ids as string[], why };
}

function limitOf(query: URLSearchParams): number {
  const text = query.get('limit') ?? '100';
  if (!/^\d{1,4}$/.test(text) || Number(text) < 1 || Number(text) > MOST)
    throw new AdminProblem('invalid-request', `limit must be a number from 1 to ${MOST}.`);
  return Number(text);
}

/** On a connection of its own: an operator must not wait behind a backlog, nor the other way round. */
async function ask<Row>(statement: Statement, { databaseUrl: url }: OperatorOptions): Promise<readonly Row[]> {
  const signal = AbortSignal.timeout(2 * STATEMENT_MS);
  try {
    const session = await Session.open({ url, name: 'tradesense-relay-operator', statementMs: STATEMENT_MS, signal });
    return await session.query<Row>(statement).finally(() => session.close());
  } catch (error) {
    if (faultOf(error).code !== 'database-unavailable') throw error;
    throw new AdminProblem('database-unavailable', undefined, { cause: error });
  }
}
