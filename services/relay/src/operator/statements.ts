import type { Statement } from '../database/index.js';

export interface DeadLetterRow {
  readonly challenge_id: string;
  readonly event_id: string;
  readonly stream: string;
  readonly type: string;
  readonly epoch: string;
  readonly sequence: string;
  readonly position: string;
  readonly reason: string;
  readonly parked_at: string;
  readonly wish: 'retry' | 'discard' | null;
}

export const listDeadLetters = (after: string, limit: number): Statement => ({
  text: `
    select challenge_id, event_id::text, stream, type, epoch::text, sequence::text, first_position::text as position, reason,
      to_char(parked_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as parked_at, wish
    from parked where first_position is not null and challenge_id > $1 order by challenge_id limit $2`,
  values: [after, limit],
});

export interface Act {
  readonly wish: 'retry' | 'discard';
  /** Dead letters by their events; undefined: all that wait. */
  readonly eventIds: readonly string[] | undefined;
  readonly who: string;
  readonly why: string;
}

/** The wish, its line in the audit, and the leader's wake-up, or none of them. A wish that is being done is left alone. */
export const wishFor = ({ wish, eventIds, who, why }: Act): Statement => ({
  text: `
    with wished as (
      update parked set wish = $1
      where wish is null and first_position is not null and ($2::uuid[] is null or event_id = any($2))
      returning challenge_id, event_id
    ), audited as (
      insert into relay_audit (who, act, why, challenge_id, event_id)
      select $3, 'dead-letter-' || $1, $4, challenge_id, event_id from wished
    )
    select challenge_id, event_id::text, pg_notify('tradesense_outbox', '') from wished order by challenge_id`,
  values: [wish, eventIds, who, why],
});
export interface WishedRow {
  readonly challenge_id: string;
  readonly event_id: string;
}

export interface AuditRow {
  readonly id: string;
  readonly at: string;
  readonly who: string;
  readonly act: string;
  readonly why: string;
  readonly challenge_id: string | null;
  readonly event_id: string | null;
}
export const listAudit = (after: bigint, limit: number): Statement => ({
  text: `
    select id::text, to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as at, who, act, why, challenge_id, event_id::text
    from relay_audit where id > $1 order by id limit $2`,
  values: [after, limit],
});
