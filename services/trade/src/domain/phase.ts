import { Money, type Instant, type StatusReason } from '@tradesense/contracts';

import type { Challenge } from './challenge.js';
import type { Moment } from './command.js';
import type { Phase, Program } from './program/program.js';
import { tellStatus, tellUpdate, type Told } from './telling.js';

/**
 * From a passed phase on to what follows. A phase begins as firms begin one: on a fresh account with the initial balance, so
 * equity, peaks, floors, trading days and the best day start anew, and marks of the old account, which name its last trade, are
 * stale. Trades keep counting. Behind the last phase, and before a funded one that limits nothing, the challenge is over.
 */
export function advance(program: Program, told: Told, reason: StatusReason, moment: Moment): Told {
  const { challenge } = told;
  const next = program.phases[challenge.phase];
  if (next === undefined || isNothing(next)) {
    const over: Challenge = { ...challenge, status: 'FUNDED', statusReason: reason, closedAt: moment.at };
    return tellStatus({ ...told, challenge: over }, told, moment);
  }
  const status = next.profitTarget === null ? 'FUNDED' : 'ACTIVE';
  const begun: Challenge = {
    ...atPhase(challenge, challenge.phase + 1, moment.at),
    status,
    statusReason: status === challenge.status ? challenge.statusReason : reason,
  };
  return tellUpdate(program, tellStatus({ ...told, challenge: begun }, told, moment), 'PHASE_PASSED', moment);
}

const isNothing = ({ profitTarget, limits }: Phase): boolean => profitTarget === null && limits.length === 0;

/** On a fresh account; the day goes on. */
export function atPhase(challenge: Challenge, phase: number, at: Instant): Challenge {
  const { initialBalance: initial, equity, book } = challenge;
  return {
    ...challenge,
    phase,
    balance: initial,
    equity: {
      ...equity,
      previous: initial,
      current: initial,
      maxEver: initial,
      dayStart: initial,
      dayMax: initial,
      dayMin: initial,
    },
    tradingDays: 0,
    lastTradingDate: null,
    openAlerts: [],
    book: {
      ...book,
      balance: { dayStart: initial, dayMax: initial, max: initial },
      endOfDay: { balance: initial, equity: initial },
      bestDay: Money.zero,
      openedDates: [],
      phaseStartedAt: at,
      lockedFrom: null,
      lastTradeId: null,
      marks: book.marks === null ? null : { ...book.marks, isUntold: false },
    },
  };
}
