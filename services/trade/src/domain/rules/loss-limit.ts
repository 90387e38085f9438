import { Money, percentOf, type LimitView } from '@tradesense/contracts';

import { WHOLE, type Limit, type Percent } from '../program/program.js';
import type { Figures, Pair } from './figures.js';

/** Cents times WHOLE: what a percent of whole cents is exactly, before any rounding (pitfall M2). */
type Exact = bigint;

/** How a challenge stands to a limit. */
export interface Standing {
  readonly limit: Limit;
  /** What is held against the floor. */
  readonly value: Money;
  /** What the limit's percentages are of. */
  readonly base: Money;
  /** What may be lost in all, from the floor's point of view. */
  readonly allowance: Exact;
  /** How much of that is lost; not negative. */
  readonly loss: Exact;
  /** BELOW: the least value that is no breach. AT_OR_BELOW: the greatest that is one. */
  readonly floor: Money;
  readonly breached: boolean;
}

/**
 * Compared by cross-multiplying whole cents. A floor that locks stays below its reference by more than the allowance: the loss
 * is then counted from where the reference was when the floor locked.
 */
export function standingOf(limit: Limit, figures: Figures): Standing {
  const reference = referenceOf(limit, figures);
  const { amount, locksAt, checked, breached } = limit;
  const base = 'of' in amount && amount.of === 'REFERENCE' ? reference : figures.initial;
  const allowance = 'fixed' in amount ? amount.fixed * WHOLE : base * amount.percent;
  const trailed = reference * WHOLE - allowance;
  const floor = locksAt === null ? trailed : least(trailed, (figures.initial + locksAt) * WHOLE);
  const value = checked === 'BALANCE' ? figures.current.balance : figures.current.equity;
  const above = value * WHOLE - floor;
  return {
    limit,
    value,
    base,
    allowance,
    loss: above < allowance ? allowance - above : 0n,
    floor: Money.ofMinor(breached === 'BELOW' ? ceilingOf(floor, WHOLE) : -ceilingOf(-floor, WHOLE)),
    breached: breached === 'BELOW' ? above < 0n : above <= 0n,
  };
}

function referenceOf({ reference, trailing }: Limit, figures: Figures): Money {
  const of = ({ balance, equity }: Pair): Money => {
    if (reference.value === 'HIGHER') return Money.max(balance, equity);
    return reference.value === 'BALANCE' ? balance : equity;
  };
  switch (reference.at) {
    case 'INITIAL':
      return figures.initial;
    case 'DAY_START':
      return of(figures.dayStart);
    case 'DAY_PEAK':
      return of(figures.dayPeak);
    case 'PEAK':
      return of(trailing === 'END_OF_DAY' ? figures.endOfDayPeak : figures.peak);
  }
}

/** Whether at least `share` of the limit is used. */
export const hasUsed = ({ allowance, loss, breached }: Standing, share: Percent): boolean =>
  allowance > 0n ? loss * WHOLE >= allowance * share : breached;

/** Never contradicts the decision: truncated while the limit holds, away from zero once it is breached. */
const shareOf = (part: Exact, whole: Exact, breached: boolean): string => {
  if (whole <= 0n) return breached ? '100.00' : '0.00';
  return percentOf(Money.ofMinor(part), Money.ofMinor(whole), breached ? 'away-from-zero' : 'truncate');
};

/** What is lost, of what the limit is a percentage of: "4.50". */
export const drawdownOf = ({ loss, base, breached }: Standing): string => shareOf(loss, base * WHOLE, breached);

/** The limit, of the same: "5.00". */
export const thresholdOf = ({ limit: { amount }, base }: Standing): string =>
  'fixed' in amount ? percentOf(amount.fixed, base) : Money.format(Money.ofMinor(amount.percent));

/** Above the floor by this much. */
export const roomOf = ({ value, floor }: Standing): Money => Money.minus(value, floor);

export const usedOf = ({ loss, allowance, breached }: Standing): string => shareOf(loss, allowance, breached);

/** Whole cents that may be lost in all; what is less than a cent is none. */
export const allowanceOf = ({ allowance }: Standing): Money => Money.ofMinor(allowance / WHOLE);

export const limitView = (standing: Standing): LimitView => ({
  rule: standing.limit.rule,
  limit_percentage: thresholdOf(standing),
  floor: Money.format(standing.floor),
  room: Money.format(roomOf(standing)),
  used_percentage: usedOf(standing),
  breached: standing.breached,
});

const least = (a: Exact, b: Exact): Exact => (a < b ? a : b);

/** Rounded up, also below zero. */
const ceilingOf = (part: bigint, whole: bigint): bigint => part / whole + (part % whole > 0n ? 1n : 0n);
