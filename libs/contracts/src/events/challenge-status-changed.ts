import { Type, type Static } from 'typebox';

import { envelope, instant, uuid } from './fields.js';
import { Status, StatusReason } from './words.js';

/** When a challenge's status changes. */
export const ChallengeStatusChanged = Type.Object({
  challenge_id: uuid,
  old_status: Status,
  new_status: Status,
  reason: StatusReason,
  changed_at: instant,
  ...envelope,
});
export type ChallengeStatusChanged = Static<typeof ChallengeStatusChanged>;
