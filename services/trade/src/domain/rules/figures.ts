import { Money } from '@tradesense/contracts';

import type { Challenge } from '../challenge.js';

export interface Pair {
  readonly balance: Money;
  readonly equity: Money;
}

/** All that limits and targets look at; a decision record keeps it whole. */
export interface Figures {
  readonly initial: Money;
  readonly current: Pair;
  readonly dayStart: Pair;
  /** The highest since the day's start. */
  readonly dayPeak: Pair;
  /** The highest since the phase's start. */
  readonly peak: Pair;
  /** The highest at a day's start since the phase's start. */
  readonly endOfDayPeak: Pair;
}

export const figuresOf = ({ initialBalance, balance, equity, book }: Challenge): Figures => ({
  initial: initialBalance,
  current: { balance, equity: equity.current },
  dayStart: { balance: book.balance.dayStart, equity: equity.dayStart },
  dayPeak: { balance: book.balance.dayMax, equity: equity.dayMax },
  peak: { balance: book.balance.max, equity: equity.maxEver },
  endOfDayPeak: book.endOfDay,
});

interface PairText {
  readonly balance: string;
  readonly equity: string;
}

/** Figures as a decision record keeps them. */
export interface FiguresText {
  readonly initial: string;
  readonly current: PairText;
  readonly day_start: PairText;
  readonly day_peak: PairText;
  readonly peak: PairText;
  readonly end_of_day_peak: PairText;
}

const pairText = ({ balance, equity }: Pair): PairText => ({
  balance: Money.format(balance),
  equity: Money.format(equity),
});
const pairOf = ({ balance, equity }: PairText): Pair => ({ balance: Money.of(balance), equity: Money.of(equity) });

export const figuresText = (figures: Figures): FiguresText => ({
  initial: Money.format(figures.initial),
  current: pairText(figures.current),
  day_start: pairText(figures.dayStart),
  day_peak: pairText(figures.dayPeak),
  peak: pairText(figures.peak),
  end_of_day_peak: pairText(figures.endOfDayPeak),
});

export const figuresFrom = (text: FiguresText): Figures => ({
  initial: Money.of(text.initial),
  current: pairOf(text.current),
  dayStart: pairOf(text.day_start),
  dayPeak: pairOf(text.day_peak),
  peak: pairOf(text.peak),
  endOfDayPeak: pairOf(text.end_of_day_peak),
});
