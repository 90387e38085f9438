import { Money, percentOf } from '@tradesense/contracts';

import type { Challenge } from '../challenge.js';
import { WHOLE, type Percent } from '../program/program.js';

/** The best day's closed profit of this phase, today's so far included, and the whole closed profit. */
export interface BestDay {
  readonly best: Money;
  readonly total: Money;
}

export function bestDayOf({ balance, initialBalance, book }: Challenge): BestDay {
  const today = Money.minus(balance, book.balance.dayStart);
  return { best: Money.max(book.bestDay, today), total: Money.minus(balance, initialBalance) };
}

/**
 * Whether the best day made no more than its share of the profit. Without a profit there is no share.
 * @source FTMO, Best Day Rule, read 2026-11 (field notes 1, vector 7)
 */
export const isSpread = ({ best, total }: BestDay, limit: Percent): boolean =>
  total > 0n && best * WHOLE <= total * limit;

/** The best day's share of the profit, "50.00"; rounded away from zero where it is too much. Null without a profit. */
export const shareOf = (day: BestDay, limit: Percent): string | null =>
  day.total > 0n ? percentOf(day.best, day.total, isSpread(day, limit) ? 'truncate' : 'away-from-zero') : null;

/** The least profit of which the best day is no more than its share. */
export const neededOf = ({ best }: BestDay, limit: Percent): Money =>
  Money.ofMinor((best * WHOLE + limit - 1n) / limit);
