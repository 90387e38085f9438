import { Money, percentOf } from '@tradesense/contracts';

import { WHOLE, type Phase } from '../program/program.js';
import { isSpread, type BestDay } from './best-day.js';
import type { Figures } from './figures.js';

/** The least equity that passes: rounded up to the cent, as half a cent too little is too little. Null: nothing to reach. */
export const targetOf = ({ profitTarget }: Phase, initial: Money): Money | null =>
  profitTarget === null ? null : Money.ofMinor((initial * (WHOLE + profitTarget) + WHOLE - 1n) / WHOLE);

/** What is held against the target: no open profit passes, and no open loss is forgotten. */
export const earnedOf = ({ current }: Figures): Money => Money.min(current.balance, current.equity);

export interface Progress {
  readonly figures: Figures;
  readonly bestDay: BestDay;
  readonly tradingDays: number;
}

/** The target, the days it takes and the best day's share: they gate passing, and fail nobody. */
export function isPassed(phase: Phase, { figures, bestDay, tradingDays }: Progress): boolean {
  const target = targetOf(phase, figures.initial);
  if (target === null || earnedOf(figures) < target || tradingDays < phase.minTradingDays) return false;
  return phase.bestDayLimit === null || isSpread(bestDay, phase.bestDayLimit);
}

/** Truncated: it says 100.00 only once the target is reached. A loss is no progress. */
export function progressOf({ profitTarget }: Phase, figures: Figures): string | null {
  if (profitTarget === null) return null;
  const gain = Money.max(Money.zero, Money.minus(earnedOf(figures), figures.initial));
  return percentOf(Money.ofMinor(gain * WHOLE), Money.ofMinor(figures.initial * profitTarget));
}
