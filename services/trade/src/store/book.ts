import { Instant, Money, type Status, type TradeId } from '@tradesense/contracts';

import type { Book } from '../domain/index.js';

/** A book as its column has it: amounts as decimal strings, moments as microseconds in text. */
interface StoredBook {
  readonly balance: { readonly day_start: string; readonly day_max: string; readonly max: string };
  readonly end_of_day: { readonly balance: string; readonly equity: string };
  readonly best_day: string;
  readonly opened_dates: readonly string[];
  readonly phase_started_at: string;
  readonly locked_from: Status | null;
  readonly last_trade_id: TradeId | null;
  readonly marks: {
    readonly price_time: string;
    readonly told_at: string | null;
    readonly is_untold: boolean;
    readonly is_latest: boolean;
  } | null;
  readonly decisions: number;
}

const instant = (micros: string): Instant => Instant.ofMicros(BigInt(micros));

export function bookOf(stored: unknown): Book {
  const book = stored as StoredBook;
  const { balance, end_of_day, marks } = book;
  return {
    balance: {
      dayStart: Money.of(balance.day_start),
      dayMax: Money.of(balance.day_max),
      max: Money.of(balance.max),
    },
    endOfDay: { balance: Money.of(end_of_day.balance), equity: Money.of(end_of_day.equity) },
    bestDay: Money.of(book.best_day),
    openedDates: book.opened_dates,
    phaseStartedAt: instant(book.phase_started_at),
    lockedFrom: book.locked_from,
    lastTradeId: book.last_trade_id,
    marks:
      marks === null
        ? null
        : {
            priceTime: instant(marks.price_time),
            toldAt: marks.told_at === null ? null : instant(marks.told_at),
            isUntold: marks.is_untold,
            isLatest: marks.is_latest,
          },
    decisions: book.decisions,
  };
}

export function bookText(book: Book): string {
  const { balance, endOfDay, marks } = book;
  const stored: StoredBook = {
    balance: {
      day_start: Money.format(balance.dayStart),
      day_max: Money.format(balance.dayMax),
      max: Money.format(balance.max),
    },
    end_of_day: { balance: Money.format(endOfDay.balance), equity: Money.format(endOfDay.equity) },
    best_day: Money.format(book.bestDay),
    opened_dates: book.openedDates,
    phase_started_at: book.phaseStartedAt.toString(),
    locked_from: book.lockedFrom,
    last_trade_id: book.lastTradeId,
    marks:
      marks === null
        ? null
        : {
            price_time: marks.priceTime.toString(),
            told_at: marks.toldAt?.toString() ?? null,
            is_untold: marks.isUntold,
            is_latest: marks.isLatest,
          },
    decisions: book.decisions,
  };
  return JSON.stringify(stored);
}
