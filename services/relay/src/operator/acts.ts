import { operatorWith, type TokenVerifier } from '@tradesense/auth';
import { AdminProblem, faultOf, invalidRequest, limitOf, type AdminActs } from '@tradesense/platform';

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
/** Connections to the database that operators may hold at a time: writers need the others. */
const MOST_AT_ONCE = 4;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

type List = (query: URLSearchParams) => Promise<{ items: readonly object[]; next: string | null }>;

/**
 * At any relay, leader or not: a wish is a mark in the database, and the leader does it.
 *
 *   GET  /dead-letters?after=&limit=   ops:read    {items, next}
 *   POST /dead-letters/retry           ops:write   {event_ids | all: true, why} -> 202 {wished, left_alone}
 *   POST /dead-letters/discard         ops:write   {event_ids, why}             -> 202 {wished, left_alone}
 *   GET  /audit?after=&limit=          ops:read    {items, next}
 *
 * Dead letters go by their event's id, not by the challenge: while one operator reads the list, another one's retry may have
 * brought the challenge to its next dead letter, and that one nobody has seen.
 */
export function operatorActs(options: OperatorOptions): AdminActs {
  const ask = asking(options.databaseUrl);
  const lists = new Map<string, List>([
    [
      '/dead-letters',
      async (query) => {
        const limit = limitOf(query, MOST);
        const after = query.get('after') ?? '';
        if (after !== '' && !UUID.test(after)) throw invalidRequest('after must be the challenge_id of an item.');
        const items = await ask<DeadLetterRow>(listDeadLetters(after, limit));
        return { items, next: items.length < limit ? null : items.at(-1)!.challenge_id };
      },
    ],
    [
      '/audit',
      async (query) => {
        const limit = limitOf(query, MOST);
        const after = query.get('after') ?? '0';
        if (!/^\d{1,18}$/.test(after)) throw invalidRequest('after must be the id of an item.');
        const items = await ask<AuditRow>(listAudit(BigInt(after), limit));
        return { items, next: items.length < limit ? null : items.at(-1)!.id };
      },
    ],
  ]);
  const wished = async (act: Act): Promise<object> => {
    const rows = await ask<WishedRow>(wishFor(act));
    const done = new Set(rows.map(({ event_id }) => event_id));
    return {
      wished: rows.map(({ challenge_id, event_id }) => ({ challenge_id, event_id })),
      /** No dead letter, or with a wish already. */
      left_alone: (act.eventIds ?? []).filter((eventId) => !done.has(eventId)),
    };
  };
  return async (request) => {
    const { method, path } = request;
    const wish = /^\/dead-letters\/(retry|discard)$/.exec(path)?.[1] as Act['wish'] | undefined;
    if (wish !== undefined) {
      if (method !== 'POST') throw new AdminProblem('method-not-allowed', 'Use POST.');
      const who = await operatorWith('ops:write', request, options.verifier);
      return { status: 202, body: await wished({ wish, who, ...whomOf(wish, await request.body()) }) };
    }
    const list = lists.get(path);
    if (list === undefined) throw new AdminProblem('not-found', 'No such act here; docs/relay.md lists them.');
    if (method !== 'GET') throw new AdminProblem('method-not-allowed', 'Use GET.');
    await operatorWith('ops:read', request, options.verifier);
    return { status: 200, body: await list(request.query) };
  };
}

function whomOf(wish: Act['wish'], body: unknown): Pick<Act, 'eventIds' | 'why'> {
  const { event_ids: ids, all, why, ...others } = (body ?? {}) as Readonly<Record<string, unknown>>;
  if (typeof body !== 'object' || Array.isArray(body) || Object.keys(others).length > 0)
    throw invalidRequest('Send {"event_ids": ["…"], "why": "…"}; to retry also {"all": true, "why": "…"}.');
  if (typeof why !== 'string' || why.trim() === '' || why.length > LONGEST_WHY || /\p{Cc}/u.test(why))
    throw invalidRequest(`why must say in 1 to ${LONGEST_WHY} characters why this is done.`);
  if (all !== undefined && wish === 'discard')
    throw invalidRequest('What is discarded is gone: name each event in event_ids.');
  if (all === true && ids === undefined) return { eventIds: undefined, why };
  const isId = (id: unknown): boolean => typeof id === 'string' && UUID.test(id);
  if (all !== undefined || !Array.isArray(ids) || ids.length === 0 || ids.length > MOST || !ids.every(isId))
    throw invalidRequest(`event_ids must be a list of 1 to ${MOST} event ids, in lower case.`);
  return { eventIds: ids as string[], why };
}

/** Each on a connection of its own: an operator must not wait behind a backlog, nor the other way round. */
function asking(url: string): <Row>(statement: Statement) => Promise<readonly Row[]> {
  let open = 0;
  return async <Row>(statement: Statement) => {
    if (open >= MOST_AT_ONCE) throw new AdminProblem('overloaded');
    open += 1;
    const signal = AbortSignal.timeout(2 * STATEMENT_MS);
    try {
      const session = await Session.open({ url, name: 'tradesense-relay-operator', statementMs: STATEMENT_MS, signal });
      return await session.query<Row>(statement).finally(() => session.close());
    } catch (error) {
      if (faultOf(error).code !== 'database-unavailable') throw error;
      throw new AdminProblem('database-unavailable', undefined, { cause: error });
    } finally {
      open -= 1;
    }
  };
}
