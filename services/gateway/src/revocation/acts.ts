import { operatorWith, type TokenVerifier } from '@tradesense/auth';
import {
  ACCESS_KINDS,
  ACCESS_REASON_MAX_LENGTH,
  accessKeyOf,
  isAccessId,
  readInstant,
  type AccessBlock,
  type AccessTarget,
} from '@tradesense/contracts';
import type { Publisher, TopicRecords } from '@tradesense/kafka';
import { AdminProblem, faultOf, invalidRequest, limitOf, type AdminActs, type Clock } from '@tradesense/platform';

import type { Blocks } from './blocks.js';

export interface AccessActsOptions {
  readonly verifier: Pick<TokenVerifier, 'verify'>;
  readonly publisher: Publisher;
  readonly topics: { readonly access: string; readonly audit: string };
  readonly blocks: Blocks;
  /** Challenges known here with the last event of each, in order of their ids, beyond `after`. */
  readonly heads: (after: string, limit: number) => Promise<readonly Head[]>;
  readonly clock: Clock;
}
export interface Head {
  readonly challenge_id: string;
  readonly epoch: number;
  readonly sequence: number;
}

const MOST = 1_000;
/** Of blocks; nobody means so many, and each gateway keeps them all. */
const MOST_BLOCKS = 100_000;
/** Operators whose acts wait for another one's. */
const MOST_WAITING = 8;
const LONGEST_KEY = 300;
const EXAMPLE = '{"user_id": "…", "expires": "2030-01-01T00:00:00Z", "reason": "…"}';
const IDS = { user_id: 'user', challenge_id: 'challenge', token_id: 'token' } as const satisfies Record<
  string,
  (typeof ACCESS_KINDS)[number]
>;

/**
 * At any gateway; all of them read what is written, this one too.
 *
 *   POST /access/revoke    ops:write  {user_id | challenge_id | token_id, not_before?, expires, reason} -> 200 {key, …}
 *   POST /access/restore   ops:write  {user_id | challenge_id | token_id, reason}                       -> 200 {key}
 *   GET  /access?after=&limit=        ops:read  {items, next}
 *   GET  /heads?after=&limit=         ops:read  {items: [{challenge_id, epoch, sequence}], next}
 *
 * Each act is in the audit topic before it is done; both with all brokers' acknowledgement. What Kafka did not answer in time
 * is unknown, not refused: the same request may be sent again.
 */
export function accessActs(options: AccessActsOptions): AdminActs {
  const { verifier, blocks, heads } = options;
  const publish = inTurn(options.publisher);
  const write = async (
    who: string,
    act: 'revoke' | 'restore',
    { kind, id }: AccessTarget,
    why: string,
    block?: AccessBlock,
  ) => {
    const key = accessKeyOf({ kind, id });
    const at = new Date(options.clock.now()).toISOString();
    const line = { at, who, act: `access-${act}`, why, kind, id, ...(block && { block }) };
    await publish({ topic: options.topics.audit, records: [{ key: null, value: JSON.stringify(line), headers: {} }] });
    const value = block === undefined ? null : JSON.stringify(block);
    await publish({ topic: options.topics.access, records: [{ key, value, headers: {} }] });
    return { status: 200, body: { key, ...block } };
  };
  return async (request) => {
    const { method, path, query } = request;
    switch (path) {
      case '/access/revoke':
      case '/access/restore': {
        if (method !== 'POST') throw new AdminProblem('method-not-allowed', 'Use POST.');
        const who = await operatorWith('ops:write', request, verifier);
        const asked = readAct(await request.body());
        if (path === '/access/restore') {
          if (asked.expires !== undefined || asked.notBefore !== undefined)
            throw invalidRequest('To restore send the id and a reason only.');
          return write(who, 'restore', asked.target, asked.reason);
        }
        if (blocks.size >= MOST_BLOCKS)
          throw new AdminProblem('overloaded', `There are ${MOST_BLOCKS} blocks; restore some first.`);
        return write(who, 'revoke', asked.target, asked.reason, blockOf(asked, who));
      }
      case '/access': {
        const after = await allowed(request, verifier);
        const limit = limitOf(query, MOST);
        const items = await blocks.list(after, limit);
        return { status: 200, body: { items, next: items.length < limit ? null : items.at(-1)!.key } };
      }
      case '/heads': {
        const after = await allowed(request, verifier);
        const limit = limitOf(query, MOST);
        const items = await heads(after, limit);
        return { status: 200, body: { items, next: items.length < limit ? null : items.at(-1)!.challenge_id } };
      }
      default:
        throw new AdminProblem('not-found', 'No such act here: try /access, /access/revoke, /access/restore, /heads.');
    }
  };
}

/** @returns where the list is to go on */
async function allowed(request: Parameters<AdminActs>[0], verifier: AccessActsOptions['verifier']): Promise<string> {
  if (request.method !== 'GET') throw new AdminProblem('method-not-allowed', 'Use GET.');
  await operatorWith('ops:read', request, verifier);
  const after = request.query.get('after') ?? '';
  if (after.length > LONGEST_KEY) throw invalidRequest('after must be the next of an answer.');
  return after;
}

interface Asked {
  readonly target: AccessTarget;
  readonly reason: string;
  readonly notBefore: string | undefined;
  readonly expires: string | undefined;
}

function readAct(body: unknown): Asked {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw invalidRequest(`Send ${EXAMPLE}.`);
  const { not_before: notBefore, expires, reason, ...ids } = body as Readonly<Record<string, unknown>>;
  const [[name, id] = ['', undefined], ...more] = Object.entries(ids);
  if (!Object.hasOwn(IDS, name) || more.length > 0)
    throw invalidRequest(`Name exactly one of ${Object.keys(IDS).join(', ')}, and nothing unknown: ${EXAMPLE}.`);
  const kind = IDS[name as keyof typeof IDS];
  if (!isAccessId(kind, id)) throw invalidRequest(`${name} is not the id of a ${kind}.`);
  if (
    typeof reason !== 'string' ||
    reason.trim() === '' ||
    reason.length > ACCESS_REASON_MAX_LENGTH ||
    /\p{Cc}/u.test(reason)
  )
    throw invalidRequest(`reason must say in 1 to ${ACCESS_REASON_MAX_LENGTH} characters why this is done.`);
  return {
    target: { kind, id },
    reason,
    notBefore: timeOf('not_before', notBefore),
    expires: timeOf('expires', expires),
  };
}

function timeOf(name: string, value: unknown): string | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== 'string' || !readInstant(value).ok)
    throw invalidRequest(`${name} must be a time like 2030-01-01T00:00:00Z.`);
  return value;
}

function blockOf({ reason, notBefore, expires }: Asked, by: string): AccessBlock {
  if (expires === undefined)
    throw invalidRequest('expires must say until when; a block without an end is forgotten about.');
  return { ...(notBefore === undefined ? {} : { not_before: notBefore }), expires, reason, by };
}

/** A publisher sends one thing at a time. */
function inTurn(publisher: Publisher): (batch: TopicRecords) => Promise<void> {
  let last: Promise<unknown> = Promise.resolve();
  let waiting = 0;
  return async (batch) => {
    if (waiting >= MOST_WAITING) throw new AdminProblem('overloaded');
    waiting += 1;
    const sent = last.then(() => publisher.send([batch]));
    last = sent.catch(() => undefined); // its own caller is told
    try {
      await sent;
    } catch (error) {
      if (faultOf(error).remedy === 'stop') throw error;
      throw new AdminProblem('kafka-unavailable', undefined, { cause: error, outcome: 'unknown' });
    } finally {
      waiting -= 1;
    }
  };
}
