import { Money, percentOf, type ChallengeState, type EquityFields, type LimitView } from '@tradesense/contracts';

/** A limit at the latest equity; a state carries limits as of its own sequence, and equity moves on between states. */
export interface LimitNow {
  readonly rule: LimitView['rule'];
  readonly limitPercentage: string;
  readonly floor: string;
  /** What may still be lost; negative once breached. */
  readonly room: string;
  readonly allowed: string;
  /** 0 to 100, for the bar only. */
  readonly usedPercentage: string;
  readonly breached: boolean;
}

const HUNDRED_PERCENT = 10_000n;
const ceilingOf = (value: bigint, by: bigint): bigint => (value + by - 1n) / by;

/** `percent` below `reference`, up to the next whole cent: the lowest equity that still holds. */
const floorBelow = (reference: Money, percent: string): Money =>
  Money.ofMinor(ceilingOf(reference * (HUNDRED_PERCENT - Money.of(percent)), HUNDRED_PERCENT));

/** A floor that hung below the peak when the state was made follows the peak; any other stays until the next state. */
function floorNow(limit: LimitView, state: ChallengeState, equity: EquityFields): Money {
  const floor = Money.of(limit.floor);
  const peakThen = Money.of(state.equity.max_equity_ever);
  const trails = limit.rule === 'TOTAL_LOSS' && floor === floorBelow(peakThen, limit.limit_percentage);
  return trails ? floorBelow(Money.of(equity.max_equity_ever), limit.limit_percentage) : floor;
}

export function limitNow(limit: LimitView, state: ChallengeState, equity: EquityFields): LimitNow {
  const floor = floorNow(limit, state, equity);
  const current = Money.of(equity.current_equity);
  const reference = Money.of(limit.rule === 'DAILY_LOSS' ? equity.daily_start_equity : equity.max_equity_ever);
  const allowed = Money.max(Money.minus(reference, floor), Money.ofMinor(1n));
  const used = Money.max(Money.min(Money.minus(reference, current), allowed), Money.zero);
  const room = Money.minus(current, floor);
  return {
    rule: limit.rule,
    limitPercentage: limit.limit_percentage,
    floor: Money.format(floor),
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

export function targetNow(state: ChallengeState, equity: EquityFields): TargetNow | null {
  if (state.target === null) return null;
  const goal = Money.of(state.target.equity);
  const start = Money.of(state.initial_balance);
  const way = Money.max(Money.minus(goal, start), Money.ofMinor(1n));
  const done = Money.min(Money.max(Money.minus(Money.of(equity.current_equity), start), Money.zero), way);
  return {
    equity: state.target.equity,
    missing: Money.format(Money.max(Money.minus(goal, Money.of(equity.current_equity)), Money.zero)),
    progressPercentage: percentOf(done, way),
  };
}
