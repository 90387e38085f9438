import type { LimitRule } from '@tradesense/contracts';

/**
 * A verdict with all that it was made from, as it is kept: amounts are decimal strings, moments RFC 3339. The same core makes
 * the identical record of the same inputs (`recompute`).
 */
export interface Decision {
  /** Counts a challenge's decisions from 1. */
  readonly number: number;
  readonly kind: 'breach' | 'lock' | 'pass' | 'alert' | 'reactivation';
  readonly rule: LimitRule | 'PROFIT_TARGET' | 'OPERATOR';
  readonly phase: number;
  readonly inputs: Readonly<Record<string, unknown>>;
  /** The floor, or the target; null where nothing was compared. */
  readonly limit: string | null;
  /** What was held against it. */
  readonly value: string | null;
  readonly programId: string;
  readonly programVersion: number;
  readonly coreVersion: number;
  /** The command's time: a mark's price time, a roll's boundary. */
  readonly at: string;
}
