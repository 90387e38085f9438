import { isLeader, type Leader } from '../lease/index.js';
import type { Statement } from '../database/index.js';
import type { Row } from '../reading/index.js';

export type Wish = 'retry' | 'discard';

export const readParked: Statement = {
  name: 'parked',
  text: `
    select challenge_id, first_position, released_to, epoch, wish,
      extract(epoch from clock_timestamp() - parked_at)::float8 * 1000 as age_ms
    from parked`,
};
export interface ParkedRow {
  readonly challenge_id: string;
  /** Null once it is released. */
  readonly first_position: string | null;
  readonly released_to: string | null;
  readonly epoch: string;
  readonly wish: Wish | null;
  readonly age_ms: number;
}

export const leads = ({ owner, generation }: Leader): Statement => ({
  text: `select ${isLeader(1, 2)} as is_leader`,
  values: [owner, generation],
});

/** Again, where a row further on is refused: that one is the dead letter now. */
export const park = (row: Row, reason: string, leader: Leader): Statement => ({
  text: `
    insert into parked (challenge_id, first_position, event_id, stream, type, epoch, sequence, reason)
    select $3, $4::bigint, $5::uuid, $6, $7, $8::bigint, $9::bigint, $10 where ${isLeader(1, 2)}
    on conflict (challenge_id) do update set
      first_position = excluded.first_position, event_id = excluded.event_id, stream = excluded.stream, type = excluded.type,
      epoch = excluded.epoch, sequence = excluded.sequence, reason = excluded.reason, parked_at = clock_timestamp(), wish = null
    returning challenge_id`,
  values: [
    leader.owner,
    leader.generation,
    row.aggregateid,
    row.position,
    row.id,
    row.aggregatetype,
    row.type,
    row.epoch,
    row.sequence,
    reason,
  ],
});

/** Everything of the challenge before this position is published, the dead letter included. */
export const advance = (challengeId: string, position: bigint, leader: Leader): Statement => ({
  text: `
    update parked set first_position = $4::bigint, released_to = $4::bigint - 1, wish = 'retry'
    where challenge_id = $3 and first_position is not null and ${isLeader(1, 2)}
    returning challenge_id`,
  values: [leader.owner, leader.generation, challengeId, position],
});

/** Everything is published, up to here ahead of the floor. */
export const release = (challengeId: string, upTo: bigint, leader: Leader): Statement => ({
  text: `
    update parked set first_position = null, released_to = $4::bigint, wish = null
    where challenge_id = $3 and first_position is not null and ${isLeader(1, 2)}
    returning challenge_id`,
  values: [leader.owner, leader.generation, challengeId, upTo],
});

/** Those that the saved floor has passed: nobody will read their rows again. */
export const forgetReleased = (leader: Leader): Statement => ({
  text: `
    delete from parked
    where first_position is null and released_to <= (select floor from relay where name = 'outbox') and ${isLeader(1, 2)}
    returning challenge_id`,
  values: [leader.owner, leader.generation],
});

export const drop = (challengeIds: readonly string[], leader: Leader): Statement => ({
  text: `delete from parked where challenge_id = any($3::text[]) and ${isLeader(1, 2)} returning challenge_id`,
  values: [leader.owner, leader.generation, challengeIds],
});
