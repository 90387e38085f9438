import type { Statement } from '../database/index.js';
import type { Leader } from '../lease/index.js';

/** The last row that can be seen. Where nothing is committed behind it, the sequence may still be further. */
export const readLastPosition: Statement = { text: `select coalesce(max(o.position), 0) as position from outbox o` };
export interface LastPositionRow {
  readonly position: string;
}

/** Up to which epoch the topic of states is cleared. */
export const readCleared: Statement = { text: `select swept from relay where name = 'outbox'` };
export interface ClearedRow {
  readonly swept: string | null;
}

/** No row: not the leader any more. */
export const saveCleared = (epoch: bigint, { owner, generation }: Leader): Statement => ({
  text: `
    update relay set swept = $3
    where name = 'outbox' and owner = $1 and generation = $2 and lease_until > clock_timestamp()
    returning swept`,
  values: [owner, generation, epoch],
});
