import { operatorWith, type TokenVerifier } from '@tradesense/auth';
import { isChallengeId } from '@tradesense/contracts';
import { AdminProblem, invalidRequest, limitOf, type AdminActs } from '@tradesense/platform';

import { DatabaseUnavailable, Overloaded } from '../commit/index.js';
import { viewAudit, viewHeads, type Queries } from '../views/index.js';

export interface OperatorOptions {
  readonly queries: Queries;
  /** @returns the new epoch */
  readonly bumpEpoch: (by: { readonly who: string; readonly why: string }) => Promise<number>;
  readonly verifier: Pick<TokenVerifier, 'verify'>;
}

const MOST = 1_000;
const LONGEST_WHY = 500;
/** Of the pool's connections, those that operators may hold: trades need the others. */
const MOST_AT_ONCE = 2;

type List = (query: URLSearchParams) => Promise<{ items: readonly object[]; next: string | null }>;

/**
 * At any instance.
 *
 *   GET  /heads?after=&limit=   ops:read    {items: [{challenge_id, epoch, sequence}], next}
 *   GET  /audit?after=&limit=   ops:read    {items, next}
 *   POST /epoch/bump            ops:write   {why} -> 200 {epoch}
 */
export function operatorActs({ queries, bumpEpoch, verifier }: OperatorOptions): AdminActs {
  const ask = asking();
  const lists = new Map<string, List>([
    [
      '/heads',
      async (query) => {
        const limit = limitOf(query, MOST);
        const after = query.get('after') ?? '';
        if (after !== '' && !isChallengeId(after)) throw invalidRequest('after must be the challenge_id of an item.');
        const items = await ask(() => viewHeads(queries, { after: after === '' ? null : after, limit }));
        return { items, next: items.length < limit ? null : items.at(-1)!.challenge_id };
      },
    ],
    [
      '/audit',
      async (query) => {
        const limit = limitOf(query, MOST);
        const after = query.get('after') ?? '0';
        if (!/^\d{1,18}$/.test(after)) throw invalidRequest('after must be the id of an item.');
        const items = await ask(() => viewAudit(queries, { after, limit }));
        return { items, next: items.length < limit ? null : items.at(-1)!.id };
      },
    ],
  ]);
  return async (request) => {
    const { method, path } = request;
    if (path === '/epoch/bump') {
      if (method !== 'POST') throw new AdminProblem('method-not-allowed', 'Use POST.');
      const who = await operatorWith('ops:write', request, verifier);
      const why = whyOf(await request.body());
      return { status: 200, body: { epoch: await ask(() => bumpEpoch({ who, why })) } };
    }
    const list = lists.get(path);
    if (list === undefined) throw new AdminProblem('not-found', 'No such act here: try /heads, /audit, /epoch/bump.');
    if (method !== 'GET') throw new AdminProblem('method-not-allowed', 'Use GET.');
    await operatorWith('ops:read', request, verifier);
    return { status: 200, body: await list(request.query) };
  };
}

function whyOf(body: unknown): string {
  const { why, ...others } = (body ?? {}) as Readonly<Record<string, unknown>>;
  if (typeof body !== 'object' || Array.isArray(body) || Object.keys(others).length > 0)
    throw invalidRequest('Send {"why": "…"}.');
  if (typeof why !== 'string' || why.trim() === '' || why.length > LONGEST_WHY || !CARRIED.test(why))
    throw invalidRequest(`why must say in 1 to ${LONGEST_WHY} characters why this is done.`);
  return why;
}

/** No control characters, and no half of a surrogate pair. */
const CARRIED = /^[^\p{Cc}\p{Surrogate}]*$/u;

function asking(): <Answer>(work: () => Promise<Answer>) => Promise<Answer> {
  let open = 0;
  return async (work) => {
    if (open >= MOST_AT_ONCE) throw new AdminProblem('overloaded');
    open += 1;
    try {
      return await work();
    } catch (error) {
      if (error instanceof DatabaseUnavailable)
        throw new AdminProblem('database-unavailable', undefined, { cause: error, outcome: error.outcome });
      throw error instanceof Overloaded ? new AdminProblem('overloaded', undefined, { cause: error }) : error;
    } finally {
      open -= 1;
    }
  };
}
