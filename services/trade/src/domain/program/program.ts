import type { LimitRule, Money, Severity } from '@tradesense/contracts';

import type { DayRule } from '../day/day.js';

/** Hundredths of a percent: "5.00" is 500. */
declare const percent: unique symbol;
export type Percent = bigint & { readonly [percent]: true };

/** 100 %. */
export const WHOLE = 10_000n;

/** The rules a challenge is judged by: data, versioned. A challenge keeps the version it started with. */
export interface Program extends DayRule {
  readonly id: string;
  readonly version: number;
  /** What a challenge starts with unless it says otherwise. */
  readonly initialBalance: Money;
  /** Profit that passes, of the initial balance. */
  readonly profitTarget: Percent;
  readonly tradingDaysNeeded: number;
  readonly limits: readonly Limit[];
  readonly alertTiers: readonly AlertTier[];
  /** How far below its tier the used share of a limit must fall before the tier is armed again. */
  readonly hysteresis: Percent;
}

/** Breached when equity is more than `percent` below the reference. */
export interface Limit {
  readonly rule: LimitRule;
  /** Equity at the day's start, or the highest ever. */
  readonly reference: 'DAY_START' | 'PEAK';
  readonly percent: Percent;
}

export interface AlertTier {
  readonly atPercentOfLimit: Percent;
  readonly severity: Severity;
}

/** A field at fault, by its JSON Pointer. */
export interface FieldError {
  readonly path: string;
  readonly message: string;
}
