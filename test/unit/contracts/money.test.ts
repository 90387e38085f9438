import { Money, percentOf, readMoney } from '@tradesense/contracts';
import fc from 'fast-check';

const whole = fc.bigInt({ min: 0n, max: 999_999_999_999n });
const cents = fc.bigInt({ min: -99_999_999_999_999n, max: 99_999_999_999_999n });
/** Texts of the agreed shape, written out digit by digit and not by the code under test. */
const written = fc
  .record({ negative: fc.boolean(), whole, decimals: fc.stringMatching(/^\d{0,2}$/) })
  .map(({ negative, whole: digits, decimals }) => ({
    text: `${negative ? '-' : ''}${digits}${decimals === '' ? '' : `.${decimals}`}`,
    cents: (digits * 100n + BigInt(decimals.padEnd(2, '0'))) * (negative ? -1n : 1n),
  }));

describe('money off a wire', () => {
  it('is the number of cents that is written there', () => {
    fc.assert(fc.property(written, ({ text, cents: oracle }) => expect(Money.of(text)).toBe(oracle)));
  });

  it('comes back as it went out, to the cent, up to twelve digits', () => {
    fc.assert(fc.property(cents, (amount) => expect(Money.of(Money.format(Money.ofMinor(amount)))).toBe(amount)));
  });

  it.each([
    ['4.35', 435n],
    ['1.005', 'too-many-decimals'],
    ['10.000', 'too-many-decimals'],
    ['0.1', 10n],
    ['7', 700n],
    ['-0', 0n],
    ['-0.00', 0n],
    ['999999999999.99', 99_999_999_999_999n],
    ['1000000000000', 'malformed'],
    ['', 'malformed'],
    ['1.', 'malformed'],
    ['.5', 'malformed'],
    ['+1.00', 'malformed'],
    ['1e5', 'malformed'],
    ['NaN', 'malformed'],
    ['Infinity', 'malformed'],
    ['0x10', 'malformed'],
    ['1,000.00', 'malformed'],
    [' 1.00', 'malformed'],
    ['1.00\n', 'malformed'],
    ['1\u0000', 'malformed'],
    ['١.٠٠', 'malformed'],
    [4.35, 'malformed'],
    [null, 'malformed'],
    [['1.00'], 'malformed'],
  ])('reads %j as %s', (text, wanted) => {
    const reading = readMoney(text);
    expect(reading.ok ? reading.amount : reading.fault).toBe(wanted);
  });

  it('says what is wrong, and does not repeat what came in', () => {
    expect(() => Money.of('secret')).toThrow(new RangeError('not an amount of money: malformed'));
  });
});

describe('money on a wire', () => {
  it.each([
    [0n, '0.00'],
    [5n, '0.05'],
    [-5n, '-0.05'],
    [100n, '1.00'],
    [1_020_000n, '10200.00'],
    [-99_999_999_999_999n, '-999999999999.99'],
  ])('writes %s cents as %s', (amount, text) => {
    expect(Money.format(Money.ofMinor(amount))).toBe(text);
  });
});

describe('sums of money', () => {
  it('are exact however many there are, and in whatever order', () => {
    fc.assert(
      fc.property(fc.array(cents, { maxLength: 200 }), (amounts) => {
        const sum = (list: readonly bigint[]): bigint =>
          list.map(Money.ofMinor).reduce((total, amount) => Money.plus(total, amount), Money.zero);
        const oracle = amounts.reduce((total, amount) => total + amount, 0n);
        expect(sum(amounts)).toBe(oracle);
        expect(sum([...amounts].reverse())).toBe(oracle);
      }),
    );
  });

  it('fit while they have at most twelve digits before the point', () => {
    expect(Money.fits(Money.of('999999999999.99'))).toBe(true);
    expect(Money.fits(Money.plus(Money.of('999999999999.99'), Money.of('0.01')))).toBe(false);
    expect(Money.fits(Money.minus(Money.of('-999999999999.99'), Money.of('0.01')))).toBe(false);
  });

  it('have a greater and a smaller one', () => {
    fc.assert(
      fc.property(cents, cents, (a, b) => {
        const [x, y] = [Money.ofMinor(a), Money.ofMinor(b)];
        expect([Money.min(x, y), Money.max(x, y)]).toEqual(a <= b ? [a, b] : [b, a]);
      }),
    );
  });
});

describe('a percent', () => {
  it("is the seed's own: 450.00 of 10000.00 is 4.50", () => {
    expect(percentOf(Money.of('450.00'), Money.of('10000.00'))).toBe('4.50');
  });

  it.each([
    ['1.00', '3.00', '33.33', '33.34'],
    ['-1.00', '3.00', '-33.33', '-33.34'],
    ['2.00', '3.00', '66.66', '66.67'],
    ['0.00', '3.00', '0.00', '0.00'],
    ['0.01', '999999999999.99', '0.00', '0.01'],
    ['-0.01', '999999999999.99', '0.00', '-0.01'],
    ['3.00', '3.00', '100.00', '100.00'],
  ])('of %s in %s is %s while a limit holds and %s once it is breached', (part, total, holds, breached) => {
    expect(percentOf(Money.of(part), Money.of(total))).toBe(holds);
    expect(percentOf(Money.of(part), Money.of(total), 'away-from-zero')).toBe(breached);
  });

  it('never says more than the ratio when truncated, nor less when rounded away from zero', () => {
    const positive = fc.bigInt({ min: 1n, max: 99_999_999_999_999n });
    fc.assert(
      fc.property(cents, positive, (part, total) => {
        const size = (text: string): bigint => {
          const hundredths = Money.of(text);
          return hundredths < 0n ? -hundredths : hundredths;
        };
        const scaled = (part < 0n ? -part : part) * 10_000n;
        fc.pre(scaled / total < 10n ** 14n - 1n);
        const low = size(percentOf(Money.ofMinor(part), Money.ofMinor(total)));
        const high = size(percentOf(Money.ofMinor(part), Money.ofMinor(total), 'away-from-zero'));
        expect(low * total <= scaled && scaled <= high * total).toBe(true);
        expect(high - low).toBe(low * total === scaled ? 0n : 1n);
      }),
    );
  });

  it.each(['0.00', '-1.00'])('of %s is refused', (total) => {
    expect(() => percentOf(Money.of('1.00'), Money.of(total))).toThrow(RangeError);
  });
});
