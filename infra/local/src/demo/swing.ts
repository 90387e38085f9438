import { Money } from '@tradesense/contracts';
import type { Random } from '@tradesense/platform';

/**
 * The demo's trades move equity up and down between the initial balance and 4.4 % below it, about once a minute: far enough
 * to cross the alert at 80 % of the daily 5 % on a day that begins at the top, never far enough to end the challenge. A day
 * that begins lower has its floor lower too. If somebody else's trades have raised a floor, the way down is shorter.
 */
export type Direction = 'down' | 'up';

export interface Place {
  readonly equity: Money;
  readonly initial: Money;
  readonly floors: readonly Money[];
  readonly direction: Direction;
}

export interface Move {
  readonly pnl: Money;
  /** Where the next move goes. */
  readonly direction: Direction;
}

const share = (amount: Money, perMille: bigint): Money => Money.ofMinor((amount * perMille) / 1_000n);

/** 0.10 % to 0.34 % of the initial balance a move; one in seven goes the other way, and less far. */
const STEP_PER_MYRIAD = { least: 10, spread: 24 };
const AGAINST = 1 / 7;

export function nextMove({ equity, initial, floors, direction }: Place, random: Random): Move {
  const top = initial;
  const margin = share(initial, 5n);
  const low = floors.reduce((lowest, floor) => Money.max(lowest, Money.plus(floor, margin)), share(initial, 956n));
  const bottom = Money.min(low, top);
  const perMyriad = BigInt(STEP_PER_MYRIAD.least + Math.floor(random.below(STEP_PER_MYRIAD.spread)));
  const step = Money.ofMinor((initial * perMyriad) / 10_000n);
  const isAgainst = random.below(1) < AGAINST;
  const wanted = isAgainst ? Money.ofMinor(-(step / 2n)) : step;
  const moved = direction === 'down' ? Money.minus(equity, wanted) : Money.plus(equity, wanted);
  const next = Money.max(bottom, Money.min(top, moved));
  const turned = next <= bottom ? 'up' : next >= top ? 'down' : direction;
  return { pnl: Money.minus(next, equity), direction: turned };
}
