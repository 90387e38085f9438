import type { ChallengeStatusChanged } from './challenge-status-changed.js';
import type { ChallengeUpdated } from './challenge-updated.js';
import type { EquityUpdated } from './equity-updated.js';
import type { EventSkipped } from './event-skipped.js';
import type { RiskAlert } from './risk-alert.js';

export { ChallengeLimits } from './challenge-limits.js';
export { ChallengeState, LimitView } from './challenge-state.js';
export { ChallengeStatusChanged } from './challenge-status-changed.js';
export { ChallengeUpdated } from './challenge-updated.js';
export { EquityFields, EquityUpdated } from './equity-updated.js';
export { EventSkipped } from './event-skipped.js';
export { RiskAlert } from './risk-alert.js';
export {
  ALERT_TYPES,
  AlertType,
  LIMIT_RULES,
  LimitRule,
  SEVERITIES,
  STATUSES,
  STATUS_REASONS,
  Severity,
  Status,
  StatusReason,
  UPDATE_REASONS,
  UpdateReason,
} from './words.js';

/** Event bodies by `ce_type`. */
export interface EventBodies {
  EQUITY_UPDATED: EquityUpdated;
  CHALLENGE_STATUS_CHANGED: ChallengeStatusChanged;
  RISK_ALERT: RiskAlert;
  CHALLENGE_UPDATED: ChallengeUpdated;
  EVENT_SKIPPED: EventSkipped;
}
export type EventType = keyof EventBodies;
