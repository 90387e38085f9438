import {
  Instant,
  Money,
  type ChallengeId,
  type EventId,
  type Status,
  type StatusReason,
  type UserId,
} from '@tradesense/contracts';
import type { Column } from '@tradesense/outbox';

import type { Challenge, OpenAlert } from '../domain/index.js';
import { bookOf, bookText } from './book.js';
import type { ChallengeEntity } from './challenge.entity.js';
import { micros, momentText } from './moments.js';

const MOMENTS = ['created_at', 'closed_at', 'last_command_at', 'executed_at', 'day_starts_at', 'day_ends_at'];

/** What a command may change; the role may update no other column. */
export const MOVING = {
  epoch: ['bigint', ({ epoch }) => epoch],
  sequence: ['bigint', ({ sequence }) => sequence],
  event_id: ['uuid', ({ eventId }) => eventId],
  phase: ['integer', ({ phase }) => phase],
  status: ['text', ({ status }) => status],
  status_reason: ['text', ({ statusReason }) => statusReason],
  balance: ['numeric', ({ balance }) => Money.format(balance)],
  closed_at: ['timestamptz', ({ closedAt }) => momentText(closedAt)],
  last_command_at: ['timestamptz', ({ lastCommandAt }) => Instant.format(lastCommandAt)],
  previous_equity: ['numeric', ({ equity }) => Money.format(equity.previous)],
  current_equity: ['numeric', ({ equity }) => Money.format(equity.current)],
  max_equity_ever: ['numeric', ({ equity }) => Money.format(equity.maxEver)],
  daily_start_equity: ['numeric', ({ equity }) => Money.format(equity.dayStart)],
  daily_max_equity: ['numeric', ({ equity }) => Money.format(equity.dayMax)],
  daily_min_equity: ['numeric', ({ equity }) => Money.format(equity.dayMin)],
  total_trades: ['integer', ({ equity }) => equity.totalTrades],
  trade_pnl: ['numeric', ({ equity }) => (equity.lastTrade === null ? null : Money.format(equity.lastTrade.pnl))],
  trade_symbol: ['text', ({ equity }) => equity.lastTrade?.symbol ?? null],
  executed_at: ['timestamptz', ({ equity }) => momentText(equity.lastTrade?.executedAt ?? null)],
  day_date: ['date', ({ day }) => day.date],
  day_starts_at: ['timestamptz', ({ day }) => Instant.format(day.startsAt)],
  day_ends_at: ['timestamptz', ({ day }) => Instant.format(day.endsAt)],
  trading_days: ['integer', ({ tradingDays }) => tradingDays],
  last_trading_date: ['date', ({ lastTradingDate }) => lastTradingDate],
  open_alerts: ['json', ({ openAlerts }) => JSON.stringify(openAlerts)],
  user_id: ['text', ({ userId }) => userId],
  book: ['json', ({ book }) => bookText(book)],
} satisfies Partial<Record<keyof ChallengeEntity, Column<Challenge>>>;

const ALL = {
  id: ['uuid', ({ challengeId }) => challengeId],
  program_id: ['text', ({ program }) => program.id],
  program_version: ['integer', ({ program }) => program.version],
  initial_balance: ['numeric', ({ initialBalance }) => Money.format(initialBalance)],
  created_at: ['timestamptz', ({ createdAt }) => Instant.format(createdAt)],
  previous_challenge_id: ['uuid', ({ previousChallengeId }) => previousChallengeId],
  ...MOVING,
} satisfies Partial<Record<keyof ChallengeEntity, Column<Challenge>>>;

/** All columns, in the order of `allValues`. */
export const ALL_COLUMNS: readonly string[] = Object.keys(ALL);
export const allValues = (challenge: Challenge): readonly unknown[] =>
  Object.values<Column<Challenge>>(ALL).map(([, read]) => read(challenge));

/** The select list of a challenge: moments as microseconds, dates as text, never a driver's idea of either. */
export const CHALLENGE_COLUMNS = ALL_COLUMNS.map((name) => {
  if (MOMENTS.includes(name)) return micros(name, name);
  return name.endsWith('_date') ? `${name}::text` : name;
}).join(', ');

const instant = (text: string): Instant => Instant.ofMicros(BigInt(text));
const instantOrNull = (text: string | null): Instant | null => (text === null ? null : instant(text));

export const challengeOf = (row: ChallengeEntity): Challenge => ({
  challengeId: row.id as ChallengeId,
  userId: row.user_id as UserId,
  epoch: Number(row.epoch),
  sequence: Number(row.sequence),
  eventId: row.event_id as EventId,
  program: { id: row.program_id, version: row.program_version },
  phase: row.phase,
  status: row.status as Status,
  statusReason: row.status_reason as StatusReason | null,
  initialBalance: Money.of(row.initial_balance),
  balance: Money.of(row.balance),
  createdAt: instant(row.created_at),
  closedAt: instantOrNull(row.closed_at),
  previousChallengeId: row.previous_challenge_id as ChallengeId | null,
  lastCommandAt: instant(row.last_command_at),
  equity: {
    previous: Money.of(row.previous_equity),
    current: Money.of(row.current_equity),
    maxEver: Money.of(row.max_equity_ever),
    dayStart: Money.of(row.daily_start_equity),
    dayMax: Money.of(row.daily_max_equity),
    dayMin: Money.of(row.daily_min_equity),
    totalTrades: row.total_trades,
    lastTrade:
      row.trade_pnl === null || row.trade_symbol === null || row.executed_at === null
        ? null
        : { pnl: Money.of(row.trade_pnl), symbol: row.trade_symbol, executedAt: instant(row.executed_at) },
  },
  day: { date: row.day_date, startsAt: instant(row.day_starts_at), endsAt: instant(row.day_ends_at) },
  tradingDays: row.trading_days,
  lastTradingDate: row.last_trading_date,
  openAlerts: row.open_alerts as readonly OpenAlert[],
  book: bookOf(row.book),
});
