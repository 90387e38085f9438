import type { ChallengeId } from '@tradesense/contracts';

import { micros } from './moments.js';
import type { Queries } from './transaction.js';

const INSERT_AUDIT = `
  insert into audit (who, act, why, challenge_id, act_id, details, outcome)
  select who, act, why, challenge_id, act_id, details, outcome
    from json_to_recordset($1) as given (
           who text, act text, why text, challenge_id uuid, act_id uuid, details json, outcome text)`;

/** A line of the audit, before it is written. */
export interface AuditLine {
  readonly who: string;
  readonly act: string;
  readonly why: string;
  /** Null: it was about all of them. */
  readonly challenge_id: ChallengeId | null;
  readonly act_id: string | null;
  /** What the act names beside these. */
  readonly details: Readonly<Record<string, unknown>>;
  /** `accepted`, or the code of the refusal. */
  readonly outcome: string;
}

/** One statement for all of them, in the transaction of what they tell. */
export async function insertAudit(queries: Queries, lines: readonly AuditLine[]): Promise<void> {
  if (lines.length > 0) await queries.query(INSERT_AUDIT, [JSON.stringify(lines)]);
}

export interface AuditRow extends AuditLine {
  readonly id: string;
  /** Microseconds since 1970. */
  readonly at: string;
}

const LIST_AUDIT = `
  select id::text, ${micros('at', 'at')}, who, act, why, challenge_id, act_id, details, outcome
    from audit
   where id > $1
   order by id
   limit $2`;

/** The oldest first, those after the given one. */
export const listAudit = (
  queries: Queries,
  { after, limit }: { readonly after: string; readonly limit: number },
): Promise<readonly AuditRow[]> => queries.query<AuditRow>(LIST_AUDIT, [after, limit]);
