/**
 * Money as whole minor units (cents) in a BigInt. On every wire it is a decimal string such as "10200.00"; a float never
 * sees it, because 4.35 * 100 is 434.99999999999994 (pitfall M1).
 */
declare const money: unique symbol;
export type Money = bigint & { readonly [money]: true };

export const MONEY_PATTERN = '^-?\\d{1,12}(\\.\\d+)?$';
const shape = /^-?\d{1,12}(\.\d+)?$/;
const LIMIT = 10n ** 14n;

export type MoneyFault = 'malformed' | 'too-many-decimals';
export type MoneyReading =
  { readonly ok: true; readonly amount: Money } | { readonly ok: false; readonly fault: MoneyFault };

/** Reads an amount off a wire. Trailing zeros beyond the second decimal are more decimals than a cent can say: refused. */
export function readMoney(text: unknown): MoneyReading {
  if (typeof text !== 'string' || !shape.test(text)) return { ok: false, fault: 'malformed' };
  const point = text.includes('.') ? text.indexOf('.') : text.length;
  const decimals = text.slice(point + 1);
  if (decimals.length > 2) return { ok: false, fault: 'too-many-decimals' };
  return { ok: true, amount: BigInt(text.slice(0, point) + decimals.padEnd(2, '0')) as Money };
}

export const Money = {
  zero: 0n as Money,
  ofMinor: (minor: bigint): Money => minor as Money,
  /** @throws RangeError when `text` is not money; use `readMoney` where that is an answer and not a bug. */
  of(text: string): Money {
    const reading = readMoney(text);
    if (!reading.ok) throw new RangeError(`not an amount of money: ${reading.fault}`);
    return reading.amount;
  },
  plus: (a: Money, b: Money): Money => (a + b) as Money,
  minus: (a: Money, b: Money): Money => (a - b) as Money,
  max: (a: Money, b: Money): Money => (a > b ? a : b),
  min: (a: Money, b: Money): Money => (a < b ? a : b),
  /** Whether the amount still has at most 12 digits before the point. */
  fits: (amount: Money): boolean => amount < LIMIT && amount > -LIMIT,
  /** "-0" has no place on a wire: zero is "0.00". */
  format(amount: Money): string {
    const digits = (amount < 0n ? -amount : amount).toString().padStart(3, '0');
    return `${amount < 0n ? '-' : ''}${digits.slice(0, -2)}.${digits.slice(-2)}`;
  },
} as const;

export type Rounding = 'truncate' | 'away-from-zero';

/**
 * `part / whole` as a percent string with two decimals, "4.50".
 * A shown percent is truncated while a limit holds and rounded away from zero once it is breached, so that it never
 * contradicts the decision (design 4, exactness).
 * @throws RangeError when `whole` is not positive
 */
export function percentOf(part: Money, whole: Money, rounding: Rounding = 'truncate'): string {
  if (whole <= 0n) throw new RangeError('percent of an amount that is not positive');
  const scaled = part * 10_000n;
  const quotient = scaled / whole;
  const exact = quotient * whole === scaled;
  const step = rounding === 'away-from-zero' && !exact ? (scaled < 0n ? -1n : 1n) : 0n;
  return Money.format((quotient + step) as Money);
}
