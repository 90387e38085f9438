import type { AggregateType, ChallengeId, EventId, UserId } from '@tradesense/contracts';

/** What a writer hands over; the table adds position and time. */
export interface OutboxRow {
  readonly id: EventId;
  readonly aggregateType: AggregateType;
  readonly aggregateId: ChallengeId;
  readonly type: string;
  readonly epoch: number;
  readonly sequence: number;
  readonly userId: UserId;
  /** W3C trace context of the request that caused it. */
  readonly traceparent: string | null;
  /** JSON text. These bytes, unchanged, are what Kafka and a browser receive (pitfall P22). */
  readonly payload: string;
}

/** `type` of the rows of the state stream. */
export const STATE_TYPE = 'CHALLENGE_STATE';

/**
 * A row as a reader gets it, all text: positions pass 2^53, and a `Date` would cut the microseconds that order rows
 * (pitfall P23).
 */
export interface StoredRow {
  readonly position: string;
  readonly id: string;
  readonly aggregatetype: AggregateType;
  readonly aggregateid: string;
  readonly type: string;
  readonly epoch: string;
  readonly sequence: string;
  readonly user_id: string;
  readonly traceparent: string | null;
  readonly payload: string;
  /** UTC with microseconds: 2026-11-25T14:46:18.123456Z */
  readonly created_at: string;
}

/**
 * The select list that makes a `StoredRow` of a row of `outbox`, whatever time zone the session has. Order by the table's
 * column (`from outbox o … order by o.position`): a bare `position` is this list's text, in which 10 comes before 9.
 */
export const STORED_COLUMNS = `
  position::text, id::text, aggregatetype, aggregateid, type, epoch::text, sequence::text, user_id, traceparent,
  payload::text, to_char(created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as created_at`;
