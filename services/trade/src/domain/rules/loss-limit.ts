import { Money, percentOf, type LimitView } from '@tradesense/contracts';

import type { Equity } from '../challenge.js';
import { WHOLE, type Limit, type Percent } from '../program/program.js';

/** How equity stands to a limit. */
export interface Standing {
  readonly limit: Limit;
  readonly reference: Money;
  /** Equity below the reference; zero at or above it. */
  readonly loss: Money;
  /** The least equity that is no breach. */
  readonly floor: Money;
  readonly breached: boolean;
}

/** Compared by cross-multiplying whole cents: no percent is ever rounded before it is judged (pitfall M2). */
export function standingOf(limit: Limit, equity: Equity): Standing {
  const reference = limit.reference === 'DAY_START' ? equity.dayStart : equity.maxEver;
  const loss = Money.max(Money.zero, Money.minus(reference, equity.current));
  const floor = Money.ofMinor(ceilingOf(reference * (WHOLE - limit.percent), WHOLE));
  return { limit, reference, loss, floor, breached: loss * WHOLE > reference * limit.percent };
}

/** Whether at least `share` of the limit is used. */
export const hasUsed = ({ limit, reference, loss }: Standing, share: Percent): boolean =>
  loss * WHOLE * WHOLE >= reference * limit.percent * share;

/** Below the reference by this much, "4.50". */
export const drawdownOf = ({ loss, reference, breached }: Standing): string =>
  percentOf(loss, reference, breached ? 'away-from-zero' : 'truncate');

export function limitView(standing: Standing, equity: Equity): LimitView {
  const { limit, reference, loss, floor, breached } = standing;
  const used = percentOf(
    Money.ofMinor(loss * WHOLE),
    Money.ofMinor(reference * limit.percent),
    breached ? 'away-from-zero' : 'truncate',
  );
  return {
    rule: limit.rule,
    limit_percentage: Money.format(Money.ofMinor(limit.percent)),
    floor: Money.format(floor),
    room: Money.format(Money.minus(equity.current, floor)),
    used_percentage: used,
    breached,
  };
}

/** Of amounts that are not negative. */
const ceilingOf = (part: bigint, whole: bigint): bigint => (part + whole - 1n) / whole;
