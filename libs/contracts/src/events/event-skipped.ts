import { Type, type Static } from 'typebox';

import { envelope, instant, userId, uuid } from './fields.js';

/** Stands in for an event that an operator discarded; same event id, epoch and sequence (design 6.4). */
export const EventSkipped = Type.Object({
  challenge_id: uuid,
  user_id: userId,
  skipped_type: Type.String(),
  reason: Type.String(),
  skipped_at: instant,
  ...envelope,
});
export type EventSkipped = Static<typeof EventSkipped>;
