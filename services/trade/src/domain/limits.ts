import { Instant, Money, type ChallengeLimits } from '@tradesense/contracts';

import type { Challenge } from './challenge.js';
import { phaseOf, type Phase, type Program } from './program/program.js';
import { bestDayOf, neededOf, shareOf } from './rules/best-day.js';
import { figuresOf, type Figures } from './rules/figures.js';
import { allowanceOf, limitView, standingOf } from './rules/loss-limit.js';
import { earnedOf, progressOf, targetOf } from './rules/profit-target.js';

/** How far a challenge is from its limits and its target: roll a copy to now before (`rollTo`). */
export function limitsOf(program: Program, challenge: Challenge): ChallengeLimits {
  const phase = phaseOf(program, challenge.phase);
  const figures = figuresOf(challenge);
  return {
    challenge_id: challenge.challengeId,
    epoch: challenge.epoch,
    sequence: challenge.sequence,
    phase: challenge.phase,
    status: challenge.status,
    day: {
      date: challenge.day.date,
      starts_at: Instant.format(challenge.day.startsAt),
      ends_at: Instant.format(challenge.day.endsAt),
    },
    limits: phase.limits.map((limit) => {
      const standing = standingOf(limit, figures);
      return {
        ...limitView(standing),
        consequence: limit.consequence,
        checked: limit.checked,
        value: Money.format(standing.value),
        permitted_loss: Money.format(allowanceOf(standing)),
      };
    }),
    target: targetView(phase, figures),
    trading_days: { done: challenge.tradingDays, needed: phase.minTradingDays },
    best_day: bestDayView(phase, challenge),
  };
}

function targetView(phase: Phase, figures: Figures): ChallengeLimits['target'] {
  const target = targetOf(phase, figures.initial);
  const progress = progressOf(phase, figures);
  if (target === null || progress === null) return null;
  const left = Money.max(Money.zero, Money.minus(target, earnedOf(figures)));
  return { equity: Money.format(target), left: Money.format(left), progress_percentage: progress };
}

function bestDayView({ bestDayLimit }: Phase, challenge: Challenge): ChallengeLimits['best_day'] {
  if (bestDayLimit === null) return null;
  const day = bestDayOf(challenge);
  return {
    profit: Money.format(day.best),
    share_percentage: shareOf(day, bestDayLimit),
    limit_percentage: Money.format(Money.ofMinor(bestDayLimit)),
    profit_needed: Money.format(neededOf(day, bestDayLimit)),
  };
}
