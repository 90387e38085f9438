import type { EventSkipped } from '@tradesense/contracts';

import type { Row } from '../reading/index.js';

const SKIPPED = 'EVENT_SKIPPED';

/** What takes the place of a discarded event: the same id, epoch and sequence, so that nobody misses a number (design 6.4). */
export function skipped(row: Row, at: Date): Row {
  const payload: EventSkipped = {
    challenge_id: row.aggregateid,
    user_id: row.user_id,
    skipped_type: row.type,
    reason: 'discarded by an operator',
    skipped_at: at.toISOString(),
    event_id: row.id,
    epoch: Number(row.epoch),
    sequence: Number(row.sequence),
  };
  return { ...row, type: SKIPPED, payload: JSON.stringify(payload) };
}
