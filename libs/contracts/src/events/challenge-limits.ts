import { Type, type Static } from 'typebox';

import { ChallengeState, LimitView } from './challenge-state.js';
import { amount, count, percent, uuid } from './fields.js';
import { Status } from './words.js';

const orNull = <Schema extends Parameters<typeof Type.Union>[0][number]>(schema: Schema) =>
  Type.Union([schema, Type.Null()]);

/**
 * How far a challenge is from its limits and its target, as of now. `permitted_loss` is the limit in currency, `value` what is
 * held against its floor; a best day's share is null while there is no profit.
 */
export const ChallengeLimits = Type.Object({
  challenge_id: uuid,
  epoch: count,
  sequence: count,
  phase: Type.Integer({ minimum: 1 }),
  status: Status,
  day: ChallengeState.properties.day,
  limits: Type.Array(
    Type.Object({
      ...LimitView.properties,
      consequence: Type.Unsafe<'FAIL' | 'LOCK_DAY'>({ type: 'string', enum: ['FAIL', 'LOCK_DAY'] }),
      checked: Type.Unsafe<'BALANCE' | 'EQUITY'>({ type: 'string', enum: ['BALANCE', 'EQUITY'] }),
      value: amount,
      permitted_loss: amount,
    }),
  ),
  target: orNull(Type.Object({ equity: amount, left: amount, progress_percentage: percent })),
  trading_days: Type.Object({ done: count, needed: count }),
  best_day: orNull(
    Type.Object({
      profit: amount,
      share_percentage: orNull(percent),
      limit_percentage: percent,
      profit_needed: amount,
    }),
  ),
});
export type ChallengeLimits = Static<typeof ChallengeLimits>;
