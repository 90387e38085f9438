import {
  Instant,
  Money,
  type ChallengeId,
  type EventId,
  type Status,
  type StatusReason,
  type UserId,
} from '@tradesense/contracts';

import type { Challenge, OpenAlert } from '../domain/index.js';
import { bookOf, bookText } from './book.js';
import type { ChallengeEntity } from './challenge.entity.js';
import { micros } from './moments.js';

const MOMENTS = ['created_at', 'closed_at', 'last_command_at', 'executed_at', 'day_starts_at', 'day_ends_at'];
/** What a command may change, with its types; the role may update no other column. */
export const MOVING_TYPES = {
  epoch: 'bigint',
  sequence: 'bigint',
  event_id: 'uuid',
  phase: 'integer',
  status: 'text',
  status_reason: 'text',
  balance: 'numeric',
  closed_at: 'timestamptz',
  last_command_at: 'timestamptz',
  previous_equity: 'numeric',
  current_equity: 'numeric',
  max_equity_ever: 'numeric',
  daily_start_equity: 'numeric',
  daily_max_equity: 'numeric',
  daily_min_equity: 'numeric',
  total_trades: 'integer',
  trade_pnl: 'numeric',
  trade_symbol: 'text',
  executed_at: 'timestamptz',
  day_date: 'date',
  day_starts_at: 'timestamptz',
  day_ends_at: 'timestamptz',
  trading_days: 'integer',
  last_trading_date: 'date',
  open_alerts: 'json',
  user_id: 'text',
  book: 'json',
} as const satisfies Partial<Record<keyof ChallengeEntity, string>>;
export const MOVING_COLUMNS = Object.keys(MOVING_TYPES) as (keyof typeof MOVING_TYPES)[];
const FIXED = [
  'id',
  'program_id',
  'program_version',
  'initial_balance',
  'created_at',
  'previous_challenge_id',
] as const satisfies readonly (keyof ChallengeEntity)[];

/** All columns, in the order of `allValues`. */
export const ALL_COLUMNS: readonly string[] = [...FIXED, ...MOVING_COLUMNS];

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

type Values<Name extends string> = Readonly<Record<Name, string | number | null>>;

export function movingRow(challenge: Challenge): Values<keyof typeof MOVING_TYPES> {
  const { equity, day } = challenge;
  return {
    epoch: challenge.epoch,
    sequence: challenge.sequence,
    event_id: challenge.eventId,
    phase: challenge.phase,
    status: challenge.status,
    status_reason: challenge.statusReason,
    balance: Money.format(challenge.balance),
    closed_at: challenge.closedAt === null ? null : Instant.format(challenge.closedAt),
    last_command_at: Instant.format(challenge.lastCommandAt),
    previous_equity: Money.format(equity.previous),
    current_equity: Money.format(equity.current),
    max_equity_ever: Money.format(equity.maxEver),
    daily_start_equity: Money.format(equity.dayStart),
    daily_max_equity: Money.format(equity.dayMax),
    daily_min_equity: Money.format(equity.dayMin),
    total_trades: equity.totalTrades,
    trade_pnl: equity.lastTrade === null ? null : Money.format(equity.lastTrade.pnl),
    trade_symbol: equity.lastTrade?.symbol ?? null,
    executed_at: equity.lastTrade === null ? null : Instant.format(equity.lastTrade.executedAt),
    day_date: day.date,
    day_starts_at: Instant.format(day.startsAt),
    day_ends_at: Instant.format(day.endsAt),
    trading_days: challenge.tradingDays,
    last_trading_date: challenge.lastTradingDate,
    open_alerts: JSON.stringify(challenge.openAlerts),
    user_id: challenge.userId,
    book: bookText(challenge.book),
  };
}

const fixedRow = (challenge: Challenge): Values<(typeof FIXED)[number]> => ({
  id: challenge.challengeId,
  program_id: challenge.program.id,
  program_version: challenge.program.version,
  initial_balance: Money.format(challenge.initialBalance),
  created_at: Instant.format(challenge.createdAt),
  previous_challenge_id: challenge.previousChallengeId,
});

export const allValues = (challenge: Challenge): readonly unknown[] => {
  const [fixed, moving] = [fixedRow(challenge), movingRow(challenge)];
  return [...FIXED.map((name) => fixed[name]), ...MOVING_COLUMNS.map((name) => moving[name])];
};
