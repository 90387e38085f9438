import { Money, percentOf, type LimitView } from '@tradesense/contracts';

import type { Picture } from './picture.js';

/** A limit at the latest equity. */
export interface LimitNow {
  readonly rule: LimitView['rule'];
  readonly limitPercentage: string;
  readonly floor: string;
  /** What may still be lost; negative once breached. */
  readonly room: string;
  readonly allowed: string;
  /** 0 to 100, for the bar. */
  readonly usedPercentage: string;
  readonly breached: boolean;
}

const ONE_CENT = Money.ofMinor(1n);

export function limitNow(limit: LimitView, { equity }: Picture): LimitNow {
  const floor = Money.of(limit.floor);
  const current = Money.of(equity.current_equity);
  const reference = Money.of(limit.rule === 'DAILY_LOSS' ? equity.daily_start_equity : equity.max_equity_ever);
  const allowed = Money.max(Money.minus(reference, floor), ONE_CENT);
  const used = Money.max(Money.min(Money.minus(reference, current), allowed), Money.zero);
  const room = Money.minus(current, floor);
  return {
    rule: limit.rule,
    limitPercentage: limit.limit_percentage,
    floor: limit.floor,
    room: Money.format(room),
    allowed: Money.format(allowed),
    usedPercentage: percentOf(used, allowed),
    breached: limit.breached || room < 0n,
  };
}

export interface TargetNow {
  readonly equity: string;
  readonly missing: string;
  readonly progressPercentage: string;
}

export function targetNow({ state, equity }: Picture): TargetNow | null {
  if (state.target === null) return null;
  const goal = Money.of(state.target.equity);
  const start = Money.of(state.initial_balance);
  const current = Money.of(equity.current_equity);
  const way = Money.max(Money.minus(goal, start), ONE_CENT);
  const done = Money.min(Money.max(Money.minus(current, start), Money.zero), way);
  return {
    equity: state.target.equity,
    missing: Money.format(Money.max(Money.minus(goal, current), Money.zero)),
    progressPercentage: percentOf(done, way),
  };
}
