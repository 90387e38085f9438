import { Money } from '@tradesense/contracts';
import type { Random } from '@tradesense/platform';

/**
 * The demo's trades move equity up and down between the initial balance and 4.4 % below it, about once a minute: far enough
 * to cross the alert at 80 % of the daily 5 % on a day that begins at the top, never far enough to end the challenge. A day
 * that begins lower has its floor lower too. If somebody else's trades have raised a floor, the range goes up with it; and
 * from wherever they have left the equity, the way back into the range is made of ordinary moves, since one great one could
 * be the breach.
 */
export type Direction = 'down' | 'up';

export interface Place {
  readonly equity: Money;
  readonly initial: Money;
  readonly floors: readonly Money[];
  readonly direction: Direction;
}

export interface Move {
  /** Never zero: a trade that changes nothing shows nothing. */
  readonly pnl: Money;
  /** Where the next move goes. */
  readonly direction: Direction;
}

/** In thousandths of the initial balance. Moves are smaller than the margin, so that a floor raised since is not met either. */
const DEPTH = 44n;
const MARGIN = 5n;
const LEAST_RANGE = 10n;

/** 0.10 % to 0.34 % of the initial balance a move; one in seven goes the other way, and less far. */
const STEP_PER_MYRIAD = { least: 10, spread: 24 };
const AGAINST = 1 / 7;

const share = (amount: Money, perMille: bigint): Money => Money.ofMinor((amount * perMille) / 1_000n);

function rangeOf({ initial, floors }: Place): { readonly bottom: Money; readonly top: Money } {
  const margin = share(initial, MARGIN);
  const bottom = floors
    .map((floor) => Money.plus(floor, margin))
    .reduce(Money.max, Money.minus(initial, share(initial, DEPTH)));
  return { bottom, top: Money.max(initial, Money.plus(bottom, share(initial, LEAST_RANGE))) };
}

export function nextMove(place: Place, random: Random): Move {
  const { equity, initial } = place;
  const { bottom, top } = rangeOf(place);
  const direction = equity <= bottom ? 'up' : equity >= top ? 'down' : place.direction;
  const perMyriad = BigInt(STEP_PER_MYRIAD.least + Math.floor(random.below(STEP_PER_MYRIAD.spread)));
  const step = Money.ofMinor((initial * perMyriad) / 10_000n);
  const isInside = equity > bottom && equity < top;
  const isAgainst = random.below(1) < AGAINST && isInside;
  const distance = isAgainst ? step / 2n : step;
  const goesDown = (direction === 'down') !== isAgainst;
  // To the edge of the range and no further, unless it is outside already.
  const room = goesDown ? Money.minus(equity, bottom) : Money.minus(top, equity);
  const moved = distance < room ? distance : room;
  const pnl = Money.ofMinor(goesDown ? -moved : moved);
  const next = Money.plus(equity, pnl);
  return { pnl, direction: next <= bottom ? 'up' : next >= top ? 'down' : direction };
}
