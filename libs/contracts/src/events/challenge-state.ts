import { Type, type Static } from 'typebox';

import { EquityFields } from './equity-updated.js';
import { amount, count, instant, percent, userId, uuid } from './fields.js';
import { RiskAlert } from './risk-alert.js';
import { LimitRule, Status, StatusReason } from './words.js';

/** A limit as it stands: `floor` is the equity it still allows, `room` what may still be lost, `used_percentage` of the limit. */
export const LimitView = Type.Object({
  rule: LimitRule,
  limit_percentage: percent,
  floor: amount,
  room: amount,
  used_percentage: percent,
  breached: Type.Boolean(),
});
export type LimitView = Static<typeof LimitView>;

/**
 * Everything about a challenge at a sequence: the state row in the outbox, the compacted topic's value, a socket's snapshot
 * and the HTTP view are this one shape (design 10). Absent is null; lists may be empty.
 */
export const ChallengeState = Type.Object({
  challenge_id: uuid,
  user_id: userId,
  epoch: count,
  sequence: count,
  event_id: uuid,
  program: Type.Object({ id: Type.String(), version: Type.Integer({ minimum: 1 }) }),
  phase: Type.Integer({ minimum: 1 }),
  status: Status,
  status_reason: Type.Union([StatusReason, Type.Null()]),
  initial_balance: amount,
  balance: amount,
  created_at: instant,
  closed_at: Type.Union([instant, Type.Null()]),
  previous_challenge_id: Type.Union([uuid, Type.Null()]),
  equity: EquityFields,
  day: Type.Object({ date: Type.String({ pattern: '^\\d{4}-\\d\\d-\\d\\d$' }), starts_at: instant, ends_at: instant }),
  limits: Type.Array(LimitView),
  target: Type.Union([Type.Object({ equity: amount, progress_percentage: percent }), Type.Null()]),
  trading_days: Type.Object({ done: count, needed: count }),
  open_alerts: Type.Array(RiskAlert),
});
export type ChallengeState = Static<typeof ChallengeState>;
