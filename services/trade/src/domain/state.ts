import { Instant, Money, type ChallengeState, type EquityFields } from '@tradesense/contracts';

import type { Challenge } from './challenge.js';
import type { Program } from './program/program.js';
import { limitView, standingOf } from './rules/loss-limit.js';
import { progressOf, targetOf } from './rules/profit-target.js';

export function equityFields({ challengeId, userId, initialBalance, equity }: Challenge): EquityFields {
  const executedAt = equity.lastTrade === null ? null : Instant.format(equity.lastTrade.executedAt);
  return {
    challenge_id: challengeId,
    user_id: userId,
    previous_equity: Money.format(equity.previous),
    current_equity: Money.format(equity.current),
    max_equity_ever: Money.format(equity.maxEver),
    daily_start_equity: Money.format(equity.dayStart),
    daily_max_equity: Money.format(equity.dayMax),
    daily_min_equity: Money.format(equity.dayMin),
    total_pnl: Money.format(Money.minus(equity.current, initialBalance)),
    total_trades: equity.totalTrades,
    last_trade_at: executedAt,
    trade_pnl: equity.lastTrade === null ? null : Money.format(equity.lastTrade.pnl),
    trade_symbol: equity.lastTrade?.symbol ?? null,
    executed_at: executedAt,
  };
}

/** The only builder of a state: outbox row, snapshot and HTTP view are this (design 10). */
export const stateOf = (program: Program, challenge: Challenge): ChallengeState => ({
  challenge_id: challenge.challengeId,
  user_id: challenge.userId,
  epoch: challenge.epoch,
  sequence: challenge.sequence,
  event_id: challenge.eventId,
  program: challenge.program,
  phase: challenge.phase,
  status: challenge.status,
  status_reason: challenge.statusReason,
  initial_balance: Money.format(challenge.initialBalance),
  balance: Money.format(challenge.balance),
  created_at: Instant.format(challenge.createdAt),
  closed_at: challenge.closedAt === null ? null : Instant.format(challenge.closedAt),
  previous_challenge_id: challenge.previousChallengeId,
  equity: equityFields(challenge),
  day: {
    date: challenge.day.date,
    starts_at: Instant.format(challenge.day.startsAt),
    ends_at: Instant.format(challenge.day.endsAt),
  },
  limits: program.limits.map((limit) => limitView(standingOf(limit, challenge.equity), challenge.equity)),
  target: {
    equity: Money.format(targetOf(program, challenge.initialBalance)),
    progress_percentage: progressOf(program, challenge),
  },
  trading_days: { done: challenge.tradingDays, needed: program.tradingDaysNeeded },
  open_alerts: challenge.openAlerts.map(({ alert }) => alert),
});
