import type { ChallengeId } from '@tradesense/contracts';

import type { FirstAnswer } from './challenge-statements.js';
import type { Queries } from './transaction.js';

export interface ActKey {
  readonly challengeId: ChallengeId;
  readonly actId: string;
}

/** Names an act among those of several challenges. */
export const actKey = ({ challengeId, actId }: ActKey): string => `${challengeId} ${actId}`;

const FIND_ACTS = `
  select act.challenge_id, act.act_id, act.meaning, act.answer
    from unnest($1::uuid[], $2::uuid[]) as asked (challenge_id, act_id)
    join act using (challenge_id, act_id)`;

interface FoundRow extends FirstAnswer {
  readonly challenge_id: ChallengeId;
  readonly act_id: string;
}

/** First answers of acts that are known, by key: as for trades, looked up before anything is judged. */
export async function findActs(queries: Queries, keys: readonly ActKey[]): Promise<Map<string, FirstAnswer>> {
  if (keys.length === 0) return new Map();
  const rows = await queries.query<FoundRow>(FIND_ACTS, [
    keys.map(({ challengeId }) => challengeId),
    keys.map(({ actId }) => actId),
  ]);
  return new Map(
    rows.map(({ challenge_id: challengeId, act_id: actId, ...first }) => [actKey({ challengeId, actId }), first]),
  );
}

const INSERT_ACTS = `
  insert into act (challenge_id, act_id, meaning, answer)
  select challenge_id, act_id, decode(meaning, 'hex'), answer
    from json_to_recordset($1) as given (challenge_id uuid, act_id uuid, meaning text, answer text)`;

export interface NewAct {
  readonly key: ActKey;
  readonly first: FirstAnswer;
}

/** One statement for all of them. */
export async function insertActs(queries: Queries, acts: readonly NewAct[]): Promise<void> {
  if (acts.length === 0) return;
  const rows = acts.map(({ key: { challengeId, actId }, first: { meaning, answer } }) => ({
    challenge_id: challengeId,
    act_id: actId,
    meaning: meaning.toString('hex'),
    answer,
  }));
  await queries.query(INSERT_ACTS, [JSON.stringify(rows)]);
}
