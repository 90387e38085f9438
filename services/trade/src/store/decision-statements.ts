import type { ChallengeId } from '@tradesense/contracts';

import type { Decision } from '../domain/index.js';
import type { Queries } from './transaction.js';

/** One statement for all challenges of a batch. */
const INSERT_DECISIONS = `
  insert into decision (challenge_id, number, record)
  select challenge_id, (record->>'number')::integer, record
    from json_to_recordset($1) as given (challenge_id uuid, record json)`;

export interface MadeDecision {
  readonly challengeId: ChallengeId;
  readonly record: Decision;
}

export async function insertDecisions(queries: Queries, made: readonly MadeDecision[]): Promise<void> {
  if (made.length === 0) return;
  const rows = made.map(({ challengeId, record }) => ({ challenge_id: challengeId, record }));
  await queries.query(INSERT_DECISIONS, [JSON.stringify(rows)]);
}

const LIST_DECISIONS = `
  select record from decision where challenge_id = $1 and number > $2 order by number limit $3`;

/** In the order they were made, those after the given number. */
export async function listDecisions(
  queries: Queries,
  { challengeId, after, limit }: { readonly challengeId: ChallengeId; readonly after: number; readonly limit: number },
): Promise<readonly Decision[]> {
  const rows = await queries.query<{ readonly record: Decision }>(LIST_DECISIONS, [challengeId, after, limit]);
  return rows.map(({ record }) => record);
}

const READ_DECISION = `select record from decision where challenge_id = $1 and number = $2`;

export async function readDecision(
  queries: Queries,
  challengeId: ChallengeId,
  number: number,
): Promise<Decision | undefined> {
  const [row] = await queries.query<{ readonly record: Decision }>(READ_DECISION, [challengeId, number]);
  return row?.record;
}
