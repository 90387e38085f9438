import { Instant, type ChallengeId, type Status, type UserId } from '@tradesense/contracts';
import { sqlOf, valuesOf, type Columns } from '@tradesense/outbox';

import type { Challenge } from '../domain/index.js';
import { ALL_COLUMNS, CHALLENGE_COLUMNS, MOVING, allValues, challengeOf } from './challenge-row.js';
import type { ChallengeEntity } from './challenge.entity.js';
import { micros } from './moments.js';
import type { Queries } from './transaction.js';

/**
 * Alone in its statement: after a wait PostgreSQL reads the locked row again, but not sub-selects and joins (pitfall P7). NO KEY:
 * foreign keys of others may still look at the row (pitfall P9). Those that are locked elsewhere are left out, so this waits for
 * nobody and can not deadlock (P8).
 */
export const LOCK_CHALLENGES = `
  select ${CHALLENGE_COLUMNS} from challenge where id = any($1::uuid[]) order by id for no key update skip locked`;

const FIND_EXISTING = `select id from challenge where id = any($1::uuid[])`;

/** Which of them there are, locked or not. */
export async function findExisting(queries: Queries, ids: readonly ChallengeId[]): Promise<ReadonlySet<string>> {
  const rows = await queries.query<{ readonly id: string }>(FIND_EXISTING, [ids]);
  return new Set(rows.map(({ id }) => id));
}

/** A new challenge's row is locked by having been inserted; nobody's when the id is taken. */
export const INSERT_CHALLENGE = `
  insert into challenge (${ALL_COLUMNS.join(', ')})
  values (${ALL_COLUMNS.map((_, index) => `$${index + 1}`).join(', ')})
  on conflict (id) do nothing
  returning id`;
export const insertValues = allValues;

const MOVED: Columns<Challenge> = { id: ['uuid', ({ challengeId }) => challengeId], ...MOVING };
const { names, from } = sqlOf(MOVED);
const UPDATE_CHALLENGES = `
  update challenge
     set ${Object.entries(MOVING)
       .map(([name, [type]]) => `${name} = given.${name}::${type}`)
       .join(', ')}
    from ${from} as given (${names})
   where challenge.id = given.id::uuid`;

/** One statement for all; each of them must be locked. */
export async function updateChallenges(queries: Queries, challenges: readonly Challenge[]): Promise<void> {
  if (challenges.length === 0) return;
  await queries.query(UPDATE_CHALLENGES, valuesOf(MOVED, challenges));
}

const READ_CHALLENGE = `select ${CHALLENGE_COLUMNS}, ${micros('clock_timestamp()', 'now')} from challenge where id = $1`;

/** As committed, with the database's time of reading. */
export async function readChallenge(
  queries: Queries,
  challengeId: ChallengeId,
): Promise<{ readonly challenge: Challenge; readonly now: Instant } | undefined> {
  const [row] = await queries.query<ChallengeEntity & { now: string }>(READ_CHALLENGE, [challengeId]);
  return row === undefined ? undefined : { challenge: challengeOf(row), now: Instant.ofMicros(BigInt(row.now)) };
}

const LIST_CHALLENGES = `
  select ${CHALLENGE_COLUMNS}, ${micros('clock_timestamp()', 'now')}
    from challenge
   where user_id = $1 and ($2::text is null or status = $2)
     and ($3::text is null
          or (created_at, id) < (timestamptz 'epoch' + $3::bigint * interval '1 microsecond', $4::uuid))
   order by created_at desc, id desc
   limit $5`;

/** A user's, the newest first; `before` is the last one of the page before. */
export async function listChallenges(
  queries: Queries,
  asked: {
    readonly userId: UserId;
    readonly status: Status | null;
    readonly before: { readonly createdAt: Instant; readonly id: string } | null;
    readonly limit: number;
  },
): Promise<{ readonly now: Instant; readonly challenges: readonly Challenge[] }> {
  const { userId, status, before, limit } = asked;
  const rows = await queries.query<ChallengeEntity & { now: string }>(LIST_CHALLENGES, [
    userId,
    status,
    before?.createdAt.toString() ?? null,
    before?.id ?? null,
    limit,
  ]);
  return { now: Instant.ofMicros(BigInt(rows[0]?.now ?? '0')), challenges: rows.map(challengeOf) };
}

const LIST_HEADS = `
  select id, epoch::text, sequence::text
    from challenge
   where id > coalesce($1::uuid, '00000000-0000-0000-0000-000000000000')
   order by id
   limit $2`;

/** Where each challenge stands, in order of their ids, those after the given one. */
export const listHeads = (
  queries: Queries,
  { after, limit }: { readonly after: ChallengeId | null; readonly limit: number },
): Promise<readonly { readonly id: ChallengeId; readonly epoch: string; readonly sequence: string }[]> =>
  queries.query(LIST_HEADS, [after, limit]);

export interface FirstAnswer {
  readonly meaning: Buffer;
  readonly answer: string;
}

const READ_OPENING = `select meaning, answer from opening where challenge_id = $1`;

export async function readOpening(queries: Queries, challengeId: ChallengeId): Promise<FirstAnswer | undefined> {
  const [row] = await queries.query<FirstAnswer>(READ_OPENING, [challengeId]);
  return row;
}

const INSERT_OPENING = `insert into opening (challenge_id, meaning, answer) values ($1, $2, $3)`;

export async function insertOpening(queries: Queries, challengeId: ChallengeId, first: FirstAnswer): Promise<void> {
  await queries.query(INSERT_OPENING, [challengeId, first.meaning, first.answer]);
}
