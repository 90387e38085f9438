import { Type } from 'typebox';

/** One of these words; typed as just them. */
const oneOf = <const Words extends readonly string[]>(words: Words) =>
  Type.Unsafe<Words[number]>({ type: 'string', enum: [...words] });

export const STATUSES = ['ACTIVE', 'LOCKED', 'IN_REVIEW', 'FUNDED', 'FAILED', 'CLOSED'] as const;
export const Status = oneOf(STATUSES);
export type Status = (typeof STATUSES)[number];

export const STATUS_REASONS = [
  'PROFIT_TARGET',
  'DAILY_LOSS',
  'TOTAL_LOSS',
  'DAY_LOCK',
  'DAY_ROLL',
  'REVIEW',
  'OPERATOR',
] as const;
export const StatusReason = oneOf(STATUS_REASONS);
export type StatusReason = (typeof STATUS_REASONS)[number];

export const ALERT_TYPES = ['HIGH_DAILY_DRAWDOWN', 'HIGH_TOTAL_DRAWDOWN'] as const;
export const AlertType = oneOf(ALERT_TYPES);
export type AlertType = (typeof ALERT_TYPES)[number];

export const SEVERITIES = ['LOW', 'MEDIUM', 'HIGH'] as const;
export const Severity = oneOf(SEVERITIES);
export type Severity = (typeof SEVERITIES)[number];

export const LIMIT_RULES = ['DAILY_LOSS', 'TOTAL_LOSS'] as const;
export const LimitRule = oneOf(LIMIT_RULES);
export type LimitRule = (typeof LIMIT_RULES)[number];

export const UPDATE_REASONS = [
  'DAY_ROLLED',
  'PHASE_PASSED',
  'OWNER_CHANGED',
  'DAY_LOCKED',
  'DAY_UNLOCKED',
  'EPOCH',
] as const;
export const UpdateReason = oneOf(UPDATE_REASONS);
export type UpdateReason = (typeof UPDATE_REASONS)[number];
