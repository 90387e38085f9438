import { Money, type Instant } from '@tradesense/contracts';

import type { Challenge } from './challenge.js';
import type { Moment } from './command.js';
import { dayAfter } from './day/day.js';
import { judge } from './judge.js';
import { isDaily, phaseOf, type Program } from './program/program.js';
import { isProfitable } from './rules/trading-day.js';
import { tellStatus, tellUpdate, type Told } from './telling.js';

/**
 * The challenge with the figures of the day that `now` lies in, for showing: nothing is judged, since a mark of before the
 * boundary may still come. The same object when no day is due. A challenge that has ended keeps its last day.
 */
export function rollTo(program: Program, challenge: Challenge, now: Instant): Challenge {
  let rolled = challenge;
  while (isDue(rolled, now)) rolled = unlocked(nextDay(program, rolled));
  return rolled;
}

export const isDue = ({ closedAt, day }: Challenge, now: Instant): boolean => closedAt === null && now >= day.endsAt;

/**
 * The due days one by one: each is closed, the next one's floors are fixed, and the challenge is judged at the boundary with the
 * equity known then, without any trade. Told once for several quiet days; a day that brings news is told before its news.
 */
export function rollDue(program: Program, told: Told, moment: Moment): Told {
  let so = told;
  while (isDue(so.challenge, moment.at)) {
    const boundary: Moment = { ...moment, at: so.challenge.day.endsAt };
    const rolled: Told = { ...so, challenge: nextDay(program, so.challenge) };
    const untold = isDue(rolled.challenge, moment.at) ? morning(program, rolled, boundary) : undefined;
    so =
      untold?.events.length === rolled.events.length
        ? untold
        : morning(program, tellUpdate(program, rolled, 'DAY_ROLLED', boundary), boundary);
  }
  return so;
}

/** What a new day brings: a lock ends, limits are held against the new floors. */
function morning(program: Program, rolled: Told, boundary: Moment): Told {
  const challenge = unlocked(rolled.challenge);
  const isFreed = challenge !== rolled.challenge;
  const freed = isFreed ? tellStatus({ ...rolled, challenge }, rolled, boundary) : rolled;
  return judge(program, isFreed ? tellUpdate(program, freed, 'DAY_UNLOCKED', boundary) : freed, boundary);
}

function unlocked(challenge: Challenge): Challenge {
  const { status, book } = challenge;
  if (status !== 'LOCKED' || book.lockedFrom === null) return challenge;
  return { ...challenge, status: book.lockedFrom, statusReason: 'DAY_ROLL', book: { ...book, lockedFrom: null } };
}

function nextDay(program: Program, challenge: Challenge): Challenge {
  const { balance, equity, book } = challenge;
  const { current } = equity;
  const daily = phaseOf(program, challenge.phase)
    .limits.filter(isDaily)
    .map(({ rule }) => rule);
  return {
    ...challenge,
    day: dayAfter(program, challenge.day),
    equity: { ...equity, dayStart: current, dayMax: current, dayMin: current },
    tradingDays: challenge.tradingDays + (isProfitable(program, challenge) ? 1 : 0),
    openAlerts: challenge.openAlerts.filter(({ rule }) => !daily.includes(rule)),
    book: {
      ...book,
      balance: { dayStart: balance, dayMax: balance, max: book.balance.max },
      endOfDay: {
        balance: Money.max(book.endOfDay.balance, balance),
        equity: Money.max(book.endOfDay.equity, current),
      },
      bestDay: Money.max(book.bestDay, Money.minus(balance, book.balance.dayStart)),
    },
  };
}
