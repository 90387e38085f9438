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
  const { balance, end_of_day, marks, ...rest } = stored as StoredBook;
  return {
    balance: {
      dayStart: Money.of(balance.day_start),
      dayMax: Money.of(balance.day_max),
      max: Money.of(balance.max),
    },
    endOfDay: { balance: Money.of(end_of_day.balance), equity: Money.of(end_of_day.equity) },
    bestDay: Money.of(rest.best_day),
    openedDates: rest.opened_dates,
    phaseStartedAt: instant(rest.phase_started_at),
    lockedFrom: rest.locked_from,
    lastTradeId: rest.last_trade_id,
    marks:
      marks === null
        ? null
        : {
            priceTime: instant(marks.price_time),
            toldAt: marks.told_at === null ? null : instant(marks.told_at),
            isUntold: marks.is_untold,
            isLatest: marks.is_latest,
          },
    decisions: rest.decisions,
  };
}

export function bookText({ balance, endOfDay, marks, ...rest }: Book): string {
  const stored: StoredBook = {
    balance: {
      day_start: Money.format(balance.dayStart),
      day_max: Money.format(balance.dayMax),
      max: Money.format(balance.max),
    },
    end_of_day: { balance: Money.format(endOfDay.balance), equity: Money.format(endOfDay.equity) },
    best_day: Money.format(rest.bestDay),
    opened_dates: rest.openedDates,
    phase_started_at: rest.phaseStartedAt.toString(),
    locked_from: rest.lockedFrom,
    last_trade_id: rest.lastTradeId,
    marks:
      marks === null
        ? null
        : {
            price_time: marks.priceTime.toString(),
            told_at: marks.toldAt?.toString() ?? null,
            is_untold: marks.isUntold,
            is_latest: marks.isLatest,
          },
    decisions: rest.decisions,
  };
  return JSON.stringify(stored);
}
