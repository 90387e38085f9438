import { Money, type Instant } from '@tradesense/contracts';

import type { Challenge } from '../challenge.js';
import { dayOf } from '../day/day.js';
import { WHOLE, type Program } from '../program/program.js';

/** Remembered of programs that count days of opening: more than any program may ask for (docs/programs.md). */
const MAX_DATES = 64;

/**
 * The challenge with the day counted that a trade makes count. OPENED: the day its position was opened on, once, however long
 * it was held; a trade that does not say when is taken for opened today. A position of before the phase counts for nothing.
 */
export function withTrade(program: Program, challenge: Challenge, openedAt: Instant | null): Challenge {
  const { day, book } = challenge;
  if (program.dayCounts === 'OPENED') {
    const date = dateOf(program, challenge, openedAt);
    const { openedDates } = book;
    const isOld = openedDates.length === MAX_DATES && date !== null && date < (openedDates[0] ?? '');
    if (date === null || isOld || openedDates.includes(date)) return challenge;
    const dates = [...openedDates, date].toSorted().slice(-MAX_DATES);
    return { ...challenge, tradingDays: challenge.tradingDays + 1, book: { ...book, openedDates: dates } };
  }
  if (program.dayCounts !== 'TRADED' || challenge.lastTradingDate === day.date) return challenge;
  return { ...challenge, tradingDays: challenge.tradingDays + 1, lastTradingDate: day.date };
}

function dateOf(program: Program, { day, book }: Challenge, openedAt: Instant | null): string | null {
  if (openedAt === null || openedAt >= day.startsAt) return day.date;
  const { date } = dayOf(program, openedAt);
  return date < dayOf(program, book.phaseStartedAt).date ? null : date;
}

/**
 * Whether a day that ends counts by its profit, from its own start's equity to the next one's.
 * @source Fintokei, profitable days, read 2026-11 (field notes 1)
 */
export function isProfitable({ dayCounts }: Program, { initialBalance, equity }: Challenge): boolean {
  if (typeof dayCounts === 'string') return false;
  return Money.minus(equity.current, equity.dayStart) * WHOLE >= initialBalance * dayCounts.profitPercent;
}
