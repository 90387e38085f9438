import { isLeader, type Leader } from '../lease/index.js';
import type { Statement } from '../database/index.js';
import type { Row } from '../reading/index.js';

export type Wish = 'retry' | 'discard';

export const readParked: Statement = {
  text: `select challenge_id, first_position, epoch, wish from parked order by challenge_id`,
};
export interface ParkedRow {
  readonly challenge_id: string;
  readonly first_position: string;
  readonly epoch: string;
  readonly wish: Wish | null;
}

/** Again, where a row further on is refused: that one is the dead letter now. No row: not the leader any more. */
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
    update parked set first_position = $4::bigint, wish = 'retry'
    where challenge_id = $3 and ${isLeader(1, 2)}
    returning challenge_id`,
  values: [leader.owner, leader.generation, challengeId, position],
});

export const release = (challengeIds: readonly string[], leader: Leader): Statement => ({
  text: `delete from parked where challenge_id = any($3::text[]) and ${isLeader(1, 2)} returning challenge_id`,
  values: [leader.owner, leader.generation, challengeIds],
});
