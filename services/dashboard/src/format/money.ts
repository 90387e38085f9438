import { Money } from '@tradesense/contracts';

/** Formats from the string: a float would lose cents of large amounts (pitfall R8). */
const digits = new Intl.NumberFormat('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const format = digits.format as (value: string) => string;

/** "10200.00" as "10,200.00"; a true minus sign, so that digits line up. */
export const amountText = (amount: string): string => format(amount).replace('-', '\u2212');

/** With its sign always written: colour alone says nothing to many. */
export function signedText(amount: string): string {
  const minor = Money.of(amount);
  return minor > 0n ? `+${amountText(amount)}` : amountText(amount);
}

export type Direction = 'up' | 'down' | 'flat';
export function directionOf(amount: string): Direction {
  const minor = Money.of(amount);
  return minor > 0n ? 'up' : minor < 0n ? 'down' : 'flat';
}

export const minus = (a: string, b: string): string => Money.format(Money.minus(Money.of(a), Money.of(b)));

/** The chart alone sees floats. */
export const chartValue = (amount: string): number => Number.parseFloat(amount);
