import { Instant, Money } from '@tradesense/contracts';

import { acted } from './act.js';
import type { Challenge } from './challenge.js';
import type { Command, EpochCommand, MarkCommand, Moment, RollCommand, TradeCommand } from './command.js';
import { judge } from './judge.js';
import type { Program } from './program/program.js';
import { violation, type Refused } from './refusal.js';
import { rollDue } from './roll.js';
import { withTrade } from './rules/trading-day.js';
import { tellEquity, tellUpdate, type Told } from './telling.js';

/** How far ahead of the database's clock a trade may say it was executed, and a mark that its price stood: clocks differ. */
const TRADE_AHEAD_MS = 5_000;
const MARK_AHEAD_MS = 1_000;
/** Between two EQUITY_UPDATED of marks, by price time: four a second. */
const TELL_MS = 250;

/** A mark that came too late; nothing due; nothing that would change. */
export type Unchanged = 'stale' | 'not-due' | 'same';

/** Accepted without events: something is remembered, and there is nothing to append to the outbox, no state either. */
export type Verdict =
  ({ readonly is: 'accepted' } & Told) | { readonly is: 'unchanged'; readonly why: Unchanged } | Refused;

/**
 * A command's verdict. The order is fixed: take the epoch, roll the due days one by one, apply, equity, limits, target, alerts. A
 * breach beats the target, with a breach there is no alert, and a challenge that has ended takes nothing more (design 4).
 */
export function decide(program: Program, before: Challenge, command: Command, moment: Moment): Verdict {
  switch (command.is) {
    case 'trade':
      return trade(program, before, command, moment);
    case 'mark':
      return mark(program, before, command, moment);
    case 'roll':
      return roll(program, before, command, moment);
    case 'epoch':
      return epoch(program, before, command, moment);
    case 'owner':
    case 'review':
    case 'close':
      return act(program, before, command, moment);
  }
}

const closed = (meanwhile?: Told): Refused => ({
  is: 'refused',
  refusal: { code: 'challenge-closed' },
  ...(meanwhile === undefined ? {} : { meanwhile }),
});

/** A command's time is the database's, and never before the last command's. */
const timed = (moment: Moment, { lastCommandAt }: Challenge): Moment => ({
  ...moment,
  at: Instant.max(moment.at, lastCommandAt),
});

/** The moment's epoch and the due days, whatever is done then. */
function upToDate(program: Program, before: Challenge, moment: Moment): Told {
  const lastCommandAt = Instant.max(moment.at, before.lastCommandAt);
  const told: Told = { challenge: { ...before, lastCommandAt }, events: [], decisions: [] };
  return rollDue(program, inEpoch(program, told, moment), moment);
}

/** In a newer epoch sequences start anew (design 5.4). */
function inEpoch(program: Program, told: Told, moment: Moment): Told {
  if (told.challenge.epoch >= moment.epoch) return told;
  const challenge = { ...told.challenge, epoch: moment.epoch, sequence: 0 };
  return tellUpdate(program, { ...told, challenge }, 'EPOCH', moment);
}

/** The state row has an id of its own; without events there is none. */
function finished(told: Told, { nextEventId }: Moment): Told {
  return told.events.length === 0 ? told : { ...told, challenge: { ...told.challenge, eventId: nextEventId() } };
}

const accepted = (told: Told, moment: Moment): Verdict => ({ is: 'accepted', ...finished(told, moment) });

function trade(program: Program, before: Challenge, command: TradeCommand, moment: Moment): Verdict {
  if (before.closedAt !== null) return closed();
  const now = timed(moment, before);
  if (command.executedAt > Instant.plusMs(now.at, TRADE_AHEAD_MS))
    return violation('/executed_at', 'lies more than 5 s in the future');
  const current = upToDate(program, before, now);
  if (current.challenge.closedAt !== null) return closed(finished(current, now));
  const challenge = traded(program, current.challenge, command);
  if (!fits(challenge)) return violation('/realized_pnl', 'makes a sum of more than 12 digits');
  return accepted(judge(program, tellEquity({ ...current, challenge }, now), now), now);
}

/** A closed result moves the balance; equity too, where no marks do (one source of equity, design 4). */
function traded(program: Program, before: Challenge, command: TradeCommand): Challenge {
  const { tradeId, pnl, symbol, executedAt, openedAt } = command;
  const challenge = withTrade(program, before, openedAt);
  const { book } = challenge;
  const balance = Money.plus(challenge.balance, pnl);
  const moved = withEquity(challenge, program.equityFrom === 'TRADES' ? balance : challenge.equity.current);
  return {
    ...moved,
    balance,
    equity: {
      ...moved.equity,
      totalTrades: moved.equity.totalTrades + 1,
      lastTrade: { pnl, symbol, executedAt },
    },
    book: {
      ...book,
      balance: {
        dayStart: book.balance.dayStart,
        dayMax: Money.max(book.balance.dayMax, balance),
        max: Money.max(book.balance.max, balance),
      },
      lastTradeId: tradeId,
      marks: book.marks === null ? null : { ...book.marks, isLatest: false },
    },
  };
}

/** `previous` is what was told last. */
function withEquity(challenge: Challenge, current: Money): Challenge {
  const { equity, book } = challenge;
  return {
    ...challenge,
    equity: {
      ...equity,
      previous: book.marks?.isUntold === true ? equity.previous : equity.current,
      current,
      maxEver: Money.max(equity.maxEver, current),
      dayMax: Money.max(equity.dayMax, current),
      dayMin: Money.min(equity.dayMin, current),
    },
  };
}

/** Whether all that is shown of it has at most 12 digits: amounts, results, and losses from the highest. */
const fits = ({ balance, initialBalance, equity, book }: Challenge): boolean =>
  [balance, equity.current].every(
    (value) =>
      Money.fits(value) &&
      Money.fits(Money.minus(value, initialBalance)) &&
      Money.fits(Money.minus(value, Money.max(equity.maxEver, book.balance.max))),
  );

/**
 * A mark's time is its price time: so it matters not how long it waited for its write, and one of before midnight still belongs
 * to the day before, as long as nothing of the new day has come.
 */
function mark(program: Program, before: Challenge, command: MarkCommand, moment: Moment): Verdict {
  if (program.equityFrom !== 'MARKS')
    return violation('/challenge_id', 'is on a program that judges trades: marks do not move its equity');
  if (before.closedAt !== null) return closed();
  const { priceTime } = command;
  if (priceTime > Instant.plusMs(moment.at, MARK_AHEAD_MS))
    return violation('/price_time', 'lies more than 1 s in the future');
  if (isStale(before, command)) return { is: 'unchanged', why: 'stale' };
  const now: Moment = { ...moment, at: priceTime };
  const current = upToDate(program, before, now);
  if (current.challenge.closedAt !== null) return closed(finished(current, now));
  if (isStale(current.challenge, command)) return { is: 'unchanged', why: 'stale' }; // a roll has begun another phase
  const challenge = marked(current.challenge, command);
  if (!fits(challenge)) return violation('/equity', 'makes a sum of more than 12 digits');
  const untold: Told = { ...current, challenge };
  if (isTellingDue(challenge, priceTime)) return accepted(judge(program, tellEquity(untold, now), now), now);
  const quiet = judge(program, untold, now);
  const isNews = quiet.events.length > untold.events.length;
  return accepted(isNews ? judge(program, tellEquity(untold, now), now) : quiet, now);
}

/** One of another balance than ours (a closing loss would count twice), older than the last, or of a day that is closed. */
function isStale({ book, day }: Challenge, { lastTradeId, priceTime }: MarkCommand): boolean {
  const last = book.marks?.priceTime;
  return lastTradeId !== book.lastTradeId || (last !== undefined && priceTime < last) || priceTime < day.startsAt;
}

function marked(challenge: Challenge, { equity, priceTime }: MarkCommand): Challenge {
  const toldAt = challenge.book.marks?.toldAt ?? null;
  const marks = { priceTime, toldAt, isUntold: true, isLatest: true };
  const moved = withEquity(challenge, equity);
  return { ...moved, book: { ...moved.book, marks } };
}

const isTellingDue = (challenge: Challenge, at: Instant): boolean => {
  const dueAt = tellingDueAt(challenge);
  return dueAt !== null && at >= dueAt;
};

/** From when on a roll command tells equity that marks have moved and nobody was told; null: there is nothing to tell. */
export function tellingDueAt({ book: { marks } }: Challenge): Instant | null {
  if (marks === null || !marks.isUntold) return null;
  return marks.toldAt === null ? marks.priceTime : Instant.plusMs(marks.toldAt, TELL_MS);
}

function roll(program: Program, before: Challenge, _: RollCommand, moment: Moment): Verdict {
  if (before.closedAt !== null) return { is: 'unchanged', why: 'not-due' };
  const now = timed(moment, before);
  const current = upToDate(program, before, now);
  const told = isTellingDue(current.challenge, now.at) ? tellEquity(current, now) : current;
  return told.events.length === 0 ? { is: 'unchanged', why: 'not-due' } : accepted(told, now);
}

/** Also of a challenge that has ended: its state would else be gone with the old epoch. */
function epoch(program: Program, before: Challenge, _: EpochCommand, moment: Moment): Verdict {
  if (before.epoch >= moment.epoch) return { is: 'unchanged', why: 'same' };
  const now = timed(moment, before);
  return accepted(upToDate(program, before, now), now);
}

function act(program: Program, before: Challenge, command: Parameters<typeof acted>[2], moment: Moment): Verdict {
  const now = timed(moment, before);
  const current = upToDate(program, before, now);
  const verdict = acted(program, current, command, now);
  if (verdict.is === 'accepted') return accepted(verdict, now);
  return current.events.length === 0 ? verdict : { ...verdict, meanwhile: finished(current, now) };
}
