import { Type, type Static } from 'typebox';

import { amount, envelope, instant, percent, userId, uuid } from './fields.js';
import { AlertType, Severity } from './words.js';

/** When equity crosses a tier of a limit. `threshold_percentage` is the limit, not the tier. */
export const RiskAlert = Type.Object({
  challenge_id: uuid,
  user_id: userId,
  alert_type: AlertType,
  severity: Severity,
  title: Type.String(),
  message: Type.String(),
  current_equity: amount,
  daily_start_equity: amount,
  drawdown_percentage: percent,
  threshold_percentage: percent,
  alert_timestamp: instant,
  ...envelope,
});
export type RiskAlert = Static<typeof RiskAlert>;
