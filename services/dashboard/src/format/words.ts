import type { AlertType, LimitRule, Status, StatusReason } from '@tradesense/contracts';

export const STATUS_WORDS: Readonly<Record<Status, string>> = {
  ACTIVE: 'Active',
  LOCKED: 'Locked for today',
  IN_REVIEW: 'In review',
  FUNDED: 'Funded',
  FAILED: 'Failed',
  CLOSED: 'Closed',
};

export const REASON_WORDS: Readonly<Record<StatusReason, string>> = {
  PROFIT_TARGET: 'profit target reached',
  DAILY_LOSS: 'daily loss limit breached',
  TOTAL_LOSS: 'total loss limit breached',
  DAY_LOCK: 'daily lock',
  DAY_ROLL: 'new trading day',
  REVIEW: 'review',
  OPERATOR: 'by an operator',
};

export const RULE_WORDS: Readonly<Record<LimitRule, string>> = {
  DAILY_LOSS: 'Loss permitted today',
  TOTAL_LOSS: 'Loss permitted in all',
};

export const ALERT_WORDS: Readonly<Record<AlertType, string>> = {
  HIGH_DAILY_DRAWDOWN: 'Daily loss',
  HIGH_TOTAL_DRAWDOWN: 'Total loss',
};
