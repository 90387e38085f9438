import type { LimitRule, Money, Severity } from '@tradesense/contracts';

import type { DayRule } from '../day/day.js';

/** Hundredths of a percent: "5.00" is 500. */
declare const percent: unique symbol;
export type Percent = bigint & { readonly [percent]: true };

/** 100 %. */
export const WHOLE = 10_000n;

/**
 * The rules a challenge is judged by: a document (docs/programs.md), read and found fit to be evaluated. A challenge keeps the
 * version it started with.
 */
export interface Program extends DayRule {
  readonly id: string;
  readonly version: number;
  /** What a challenge starts with unless it says otherwise; null: it must say. */
  readonly initialBalance: Money | null;
  /** TRADES: equity is the balance, and marks are refused. MARKS: trades move the balance only, marks equity only. */
  readonly equityFrom: 'TRADES' | 'MARKS';
  /** What makes a trading day count. */
  readonly dayCounts: DayCounts;
  readonly phases: readonly Phase[];
  /** Ascending. */
  readonly alertTiers: readonly AlertTier[];
  /** How far below its tier the used share of a limit must fall before the tier is armed again. */
  readonly hysteresis: Percent;
  /** What it was read from. */
  readonly document: unknown;
}

/** A position opened on it, a trade posted on it, or equity grown from its start to the next one's by a share of the initial balance. */
export type DayCounts = 'OPENED' | 'TRADED' | { readonly profitPercent: Percent };

export interface Phase {
  /** Profit that passes, of the initial balance; null: the funded phase, which has none and is the last. */
  readonly profitTarget: Percent | null;
  readonly minTradingDays: number;
  /** The best day's share of the whole profit that may not be passed; it delays the target and fails nobody. */
  readonly bestDayLimit: Percent | null;
  /** Whether a person looks before what follows begins. */
  readonly review: boolean;
  readonly limits: readonly Limit[];
}

export interface Limit {
  readonly rule: LimitRule;
  readonly reference: {
    readonly value: 'BALANCE' | 'EQUITY' | 'HIGHER';
    readonly at: 'INITIAL' | 'DAY_START' | 'DAY_PEAK' | 'PEAK';
  };
  readonly amount: { readonly percent: Percent; readonly of: 'INITIAL' | 'REFERENCE' } | { readonly fixed: Money };
  readonly checked: 'BALANCE' | 'EQUITY';
  readonly breached: 'BELOW' | 'AT_OR_BELOW';
  readonly trailing: 'NONE' | 'END_OF_DAY' | 'INTRADAY';
  /** The floor rises no further than this much above the initial balance; null: it has no such end. */
  readonly locksAt: Money | null;
  readonly consequence: 'FAIL' | 'LOCK_DAY';
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

/** Of the phase a challenge is in; phases count from 1. */
export function phaseOf(program: Program, phase: number): Phase {
  const found = program.phases[phase - 1];
  if (found === undefined) throw new RangeError(`program ${program.id} has no phase ${phase}`);
  return found;
}

export const isDaily = ({ reference }: Limit): boolean => reference.at === 'DAY_START' || reference.at === 'DAY_PEAK';
