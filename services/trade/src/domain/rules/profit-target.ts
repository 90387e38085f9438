import { Money, percentOf } from '@tradesense/contracts';

import { WHOLE, type Program } from '../program/program.js';

interface Result {
  readonly initialBalance: Money;
  readonly equity: { readonly current: Money };
}

/** The least equity that passes: rounded up to the cent, as half a cent too little is too little. */
export const targetOf = ({ profitTarget }: Program, initialBalance: Money): Money =>
  Money.ofMinor((initialBalance * (WHOLE + profitTarget) + WHOLE - 1n) / WHOLE);

export const isReached = (program: Program, { initialBalance, equity }: Result): boolean =>
  equity.current >= targetOf(program, initialBalance);

/** Truncated: it says 100.00 only once the target is reached. A loss is no progress. */
export function progressOf({ profitTarget }: Program, { initialBalance, equity }: Result): string {
  const gain = Money.max(Money.zero, Money.minus(equity.current, initialBalance));
  return percentOf(Money.ofMinor(gain * WHOLE), Money.ofMinor(initialBalance * profitTarget));
}
