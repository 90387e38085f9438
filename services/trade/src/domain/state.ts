import { Instant, Money, type ChallengeState, type EquityFields } from '@tradesense/contracts';

import type { Challenge } from './challenge.js';
import { phaseOf, type Phase, type Program } from './program/program.js';
import { figuresOf, type Figures } from './rules/figures.js';
import { limitView, standingOf } from './rules/loss-limit.js';
import { progressOf, targetOf } from './rules/profit-target.js';

/** Of a mark: no trade's result and symbol, and its price time as the time of execution. */
export function equityFields({ challengeId, userId, initialBalance, equity, book }: Challenge): EquityFields {
  const { lastTrade } = equity;
  const mark = book.marks?.isLatest === true ? book.marks : null;
  const tradedAt = lastTrade === null ? null : Instant.format(lastTrade.executedAt);
  const trade = mark === null ? lastTrade : null;
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
    last_trade_at: tradedAt,
    trade_pnl: trade === null ? null : Money.format(trade.pnl),
    trade_symbol: trade?.symbol ?? null,
    executed_at: mark === null ? tradedAt : Instant.format(mark.priceTime),
  };
}

/** The only builder of a state: outbox row, snapshot and HTTP view are this (design 10). */
export function stateOf(program: Program, challenge: Challenge): ChallengeState {
  const phase = phaseOf(program, challenge.phase);
  const figures = figuresOf(challenge);
  return {
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
    limits: phase.limits.map((limit) => limitView(standingOf(limit, figures))),
    target: targetView(phase, figures),
    trading_days: { done: challenge.tradingDays, needed: phase.minTradingDays },
    open_alerts: alertsOf(challenge),
  };
}

function targetView(phase: Phase, figures: Figures): ChallengeState['target'] {
  const target = targetOf(phase, figures.initial);
  const progress = progressOf(phase, figures);
  return target === null || progress === null ? null : { equity: Money.format(target), progress_percentage: progress };
}

/** Each once, though one may have disarmed several tiers. */
const alertsOf = ({ openAlerts }: Challenge): ChallengeState['open_alerts'] => [
  ...new Map(openAlerts.map(({ alert }) => [alert.event_id, alert])).values(),
];
