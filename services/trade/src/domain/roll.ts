import type { Instant } from '@tradesense/contracts';

import type { Challenge } from './challenge.js';
import { dayAfter } from './day/day.js';
import type { Program } from './program/program.js';

/**
 * The challenge on the day that `now` lies in: each due day is closed and the next one's floors fixed, one by one. The same
 * object when no day is due. A challenge that has ended keeps its last day.
 */
export function rollTo(program: Program, challenge: Challenge, now: Instant): Challenge {
  let rolled = challenge;
  while (rolled.closedAt === null && now >= rolled.day.endsAt) rolled = rollOnce(program, rolled);
  return rolled;
}

function rollOnce(program: Program, challenge: Challenge): Challenge {
  const { current } = challenge.equity;
  const daily = program.limits.filter(({ reference }) => reference === 'DAY_START').map(({ rule }) => rule);
  return {
    ...challenge,
    day: dayAfter(program, challenge.day),
    equity: { ...challenge.equity, dayStart: current, dayMax: current, dayMin: current },
    openAlerts: challenge.openAlerts.filter(({ rule }) => !daily.includes(rule)),
  };
}
