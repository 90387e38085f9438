import { Type, type Static } from 'typebox';

import { ChallengeState } from './challenge-state.js';
import { envelope, instant, userId, uuid } from './fields.js';
import { UpdateReason } from './words.js';

/** Day roll, new floors, phase, owner, lock: what a page shows changed without a trade. */
export const ChallengeUpdated = Type.Object({
  challenge_id: uuid,
  user_id: userId,
  reason: UpdateReason,
  state: ChallengeState,
  changed_at: instant,
  ...envelope,
});
export type ChallengeUpdated = Static<typeof ChallengeUpdated>;
