import type { StaleReason } from '@tradesense/client';
import type { AlertType, LimitRule, Status, StatusReason, UpdateReason } from '@tradesense/contracts';

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

export const UPDATE_WORDS: Readonly<Record<UpdateReason, string>> = {
  DAY_ROLLED: 'New trading day',
  PHASE_PASSED: 'Phase passed',
  OWNER_CHANGED: 'Owner changed',
  DAY_LOCKED: 'Locked for today',
  DAY_UNLOCKED: 'Unlocked',
  EPOCH: 'History restored',
};

export const RULE_WORDS: Readonly<Record<LimitRule, string>> = {
  DAILY_LOSS: 'Loss permitted today',
  TOTAL_LOSS: 'Loss permitted in all',
};

export const FLOOR_WORDS: Readonly<Record<LimitRule, string>> = { DAILY_LOSS: 'day floor', TOTAL_LOSS: 'total floor' };

export const ALERT_WORDS: Readonly<Record<AlertType, string>> = {
  HIGH_DAILY_DRAWDOWN: 'Daily loss',
  HIGH_TOTAL_DRAWDOWN: 'Total loss',
};

export const STALE_WORDS: Readonly<Record<StaleReason, string>> = {
  watermark_old: 'events are late',
  behind: 'events are on their way',
  parked: 'an event is held back',
  starting: 'the gateway is starting',
  unknown: 'freshness is not known',
  gap: 'an event is missing and asked for',
  asleep: 'the page was asleep',
  catching_up: 'catching up',
};
