import { Instant, Money, type RiskAlert, type Status, type StatusReason } from '@tradesense/contracts';

import type { Challenge } from './challenge.js';
import type { Command, Moment, OpenCommand, TradeCommand } from './command.js';
import { dayOf } from './day/day.js';
import type { Program } from './program/program.js';
import { rollTo } from './roll.js';
import { alertFields, firingTier, stillOpen, tierName } from './rules/alert.js';
import { standingOf, type Standing } from './rules/loss-limit.js';
import { isReached, targetOf } from './rules/profit-target.js';
import { equityFields, stateOf } from './state.js';
import { tell, type Told } from './telling.js';

/** How far ahead of the command's time a trade may say it was executed: clocks differ. */
const AHEAD_MS = 5_000;

/** A command that a rule forbids. `path` is the field at fault, as a JSON Pointer. */
export type Refusal =
  | { readonly code: 'challenge-closed' }
  | { readonly code: 'rule-violation'; readonly path: string; readonly message: string };

/** A mark that came too late; nothing due; nothing that would change. */
export type Unchanged = 'stale' | 'not-due' | 'same';

/** Accepted without events: something is remembered, and there is nothing to append to the outbox. */
export type Verdict = Opening | { readonly is: 'unchanged'; readonly why: Unchanged };
export type Opening = ({ readonly is: 'accepted' } & Told) | Refused;
type Refused = { readonly is: 'refused'; readonly refusal: Refusal };

const violation = (path: string, message: string): Refused => ({
  is: 'refused',
  refusal: { code: 'rule-violation', path, message },
});

/** A new challenge: its state at sequence 0, and no event. */
export function openChallenge(program: Program, command: OpenCommand, { at, epoch, nextEventId }: Moment): Opening {
  const initial = command.initialBalance ?? program.initialBalance;
  if (initial <= 0n) return violation('/initial_balance', 'must be more than nothing');
  if (!Money.fits(targetOf(program, initial)))
    return violation('/initial_balance', 'its target would have more than 12 digits');
  const challenge: Challenge = {
    challengeId: command.challengeId,
    userId: command.userId,
    epoch,
    sequence: 0,
    eventId: nextEventId(),
    program: { id: program.id, version: program.version },
    phase: 1,
    status: 'ACTIVE',
    statusReason: null,
    initialBalance: initial,
    balance: initial,
    createdAt: at,
    closedAt: null,
    previousChallengeId: null,
    lastCommandAt: at,
    equity: {
      previous: initial,
      current: initial,
      maxEver: initial,
      dayStart: initial,
      dayMax: initial,
      dayMin: initial,
      totalTrades: 0,
      lastTrade: null,
    },
    day: dayOf(program, at),
    tradingDays: 0,
    lastTradingDate: null,
    openAlerts: [],
    book: {
      balance: { dayStart: initial, dayMax: initial, max: initial },
      endOfDay: { balance: initial, equity: initial },
      bestDay: Money.zero,
      openedDates: [],
      phaseStartedAt: at,
      lockedFrom: null,
      lastTradeId: null,
      marks: null,
      decisions: 0,
    },
  };
  return { is: 'accepted', challenge, events: [], decisions: [] };
}

/**
 * A trade's verdict. The order is fixed: roll the due days, apply, equity, limits, target, alerts. A breach beats the target,
 * with a breach there is no alert, and a challenge that has ended takes nothing more (design 4).
 */
export function decide(program: Program, before: Challenge, command: Command, moment: Moment): Verdict {
  if (command.is !== 'trade') return { is: 'unchanged', why: 'not-due' };
  if (before.closedAt !== null) return { is: 'refused', refusal: { code: 'challenge-closed' } };
  const now: Moment = { ...moment, at: Instant.max(moment.at, before.lastCommandAt) };
  if (command.executedAt > Instant.plusMs(now.at, AHEAD_MS))
    return violation('/executed_at', 'lies more than 5 s in the future');

  const rolled = rolledTold(program, before, now);
  const applied = apply(rolled.challenge, command);
  if (!Money.fits(applied.balance) || !Money.fits(Money.minus(applied.balance, applied.initialBalance)))
    return violation('/realized_pnl', 'makes a sum of more than 12 digits');

  const traded = tell({ ...rolled, challenge: applied }, now.nextEventId(), 'EQUITY_UPDATED', equityFields);
  const judged = judge(program, traded, now);
  // The state row has an id of its own.
  return { is: 'accepted', ...judged, challenge: { ...judged.challenge, eventId: now.nextEventId() } };
}

function rolledTold(program: Program, before: Challenge, { at, nextEventId }: Moment): Told {
  const challenge = { ...rollTo(program, before, at), lastCommandAt: at };
  const told: Told = { challenge, events: [], decisions: [] };
  if (challenge.day.date === before.day.date) return told;
  return tell(told, nextEventId(), 'CHALLENGE_UPDATED', (rolled) => ({
    challenge_id: rolled.challengeId,
    user_id: rolled.userId,
    reason: 'DAY_ROLLED' as const,
    state: stateOf(program, rolled),
    changed_at: Instant.format(at),
  }));
}

/** Closed result only: in programs that judge trades, equity is the balance. */
function apply(challenge: Challenge, { pnl, symbol, executedAt }: TradeCommand): Challenge {
  const { equity, day } = challenge;
  const current = Money.plus(equity.current, pnl);
  return {
    ...challenge,
    balance: Money.plus(challenge.balance, pnl),
    equity: {
      previous: equity.current,
      current,
      maxEver: Money.max(equity.maxEver, current),
      dayStart: equity.dayStart,
      dayMax: Money.max(equity.dayMax, current),
      dayMin: Money.min(equity.dayMin, current),
      totalTrades: equity.totalTrades + 1,
      lastTrade: { pnl, symbol, executedAt },
    },
    tradingDays: challenge.tradingDays + (challenge.lastTradingDate === day.date ? 0 : 1),
    lastTradingDate: day.date,
  };
}

function judge(program: Program, told: Told, moment: Moment): Told {
  const { challenge } = told;
  const standings = program.limits.map((limit) => standingOf(limit, challenge.equity));
  const breach = standings.find(({ breached }) => breached);
  if (breach !== undefined) return failed(told, breach, moment);
  const passed = isReached(program, challenge) ? end(told, 'FUNDED', 'PROFIT_TARGET', moment) : told;
  return standings.reduce((so, standing) => alerted(program, so, standing, moment), passed);
}

function failed(told: Told, { limit }: Standing, moment: Moment): Told {
  return end(told, 'FAILED', limit.rule, moment);
}

function end(told: Told, status: Status, reason: StatusReason, { at, nextEventId }: Moment): Told {
  const ended: Challenge = { ...told.challenge, status, statusReason: reason, closedAt: at };
  return tell({ ...told, challenge: ended }, nextEventId(), 'CHALLENGE_STATUS_CHANGED', ({ challengeId }) => ({
    challenge_id: challengeId,
    old_status: told.challenge.status,
    new_status: status,
    reason,
    changed_at: Instant.format(at),
  }));
}

/** Arms again what has recovered, then fires the highest armed tier that is passed. */
function alerted(program: Program, told: Told, standing: Standing, { at, nextEventId }: Moment): Told {
  const openAlerts = stillOpen(program, told.challenge.openAlerts, standing);
  const armed: Told = { ...told, challenge: { ...told.challenge, openAlerts } };
  const tier = firingTier(program, openAlerts, standing);
  if (tier === undefined) return armed;
  const fired = tell(armed, nextEventId(), 'RISK_ALERT', (challenge) => alertFields(challenge, standing, tier, at));
  const alert = fired.events.at(-1)?.body as RiskAlert;
  const { rule } = standing.limit;
  return {
    ...fired,
    challenge: { ...fired.challenge, openAlerts: [...openAlerts, { rule, tier: tierName(tier), alert }] },
  };
}
