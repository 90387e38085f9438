import { Money } from '@tradesense/contracts';

import type { Challenge } from './challenge.js';
import type { Moment, OpenCommand } from './command.js';
import { dayOf } from './day/day.js';
import { recorded } from './decision.js';
import type { Program } from './program/program.js';
import { targetOf } from './rules/profit-target.js';
import { violation, type Refused } from './refusal.js';
import type { Told } from './telling.js';

export type Opening = ({ readonly is: 'accepted' } & Told) | Refused;

/** A new challenge: its state at sequence 0, and no event. One that takes another's place says so in a decision record. */
export function openChallenge(program: Program, command: OpenCommand, { at, epoch, nextEventId }: Moment): Opening {
  const initial = command.initialBalance ?? program.initialBalance;
  if (initial === null) return violation('/initial_balance', 'is needed: the program has none');
  if (initial <= 0n) return violation('/initial_balance', 'must be more than nothing');
  if (!program.phases.every((phase) => Money.fits(targetOf(phase, initial) ?? initial)))
    return violation('/initial_balance', 'its target would have more than 12 digits');
  if (program.phases.some(({ limits }) => limits.some(({ amount }) => 'fixed' in amount && amount.fixed >= initial)))
    return violation('/initial_balance', 'is no more than what the program lets it lose');
  const { reactivates } = command;
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
    previousChallengeId: reactivates?.previousChallengeId ?? null,
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
  const opened: Told = { challenge, events: [], decisions: [] };
  if (reactivates === undefined) return { is: 'accepted', ...opened };
  const { previousChallengeId, reason, by } = reactivates;
  const inputs = { previous_challenge_id: previousChallengeId, initial_balance: Money.format(initial), reason, by };
  const finding = { kind: 'reactivation', rule: 'OPERATOR', inputs, limit: null, value: null } as const;
  return { is: 'accepted', ...recorded(program, opened, finding, at) };
}
