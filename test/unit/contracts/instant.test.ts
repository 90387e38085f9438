import { Instant, readInstant } from '@tradesense/contracts';
import fc from 'fast-check';

describe('an instant', () => {
  it.each([
    ['2024-01-01T10:00:00Z', '2024-01-01T10:00:00Z'],
    ['2024-01-01T10:00:00.5Z', '2024-01-01T10:00:00.500Z'],
    ['2024-01-01T10:00:00.123456789Z', '2024-01-01T10:00:00.123456Z'],
    ['2024-01-01T10:00:00.000001Z', '2024-01-01T10:00:00.000001Z'],
    ['2024-01-01T10:00:00+05:45', '2024-01-01T04:15:00Z'],
    ['2024-02-29T23:30:00-01:00', '2024-03-01T00:30:00Z'],
  ])('%s is %s', (given, shown) => {
    expect(Instant.format(Instant.of(given))).toBe(shown);
  });

  it.each([
    '2024-01-01',
    '2024-01-01 10:00:00Z',
    '2024-01-01T10:00:00',
    '2024-01-01t10:00:00z',
    '2023-02-29T10:00:00Z',
    '2024-01-01T24:00:00Z',
    '2024-06-30T23:59:60Z',
    '2024-01-01T10:00:00+24:00',
    '2024-01-01T10:00:00.Z',
    '1969-12-31T23:59:59Z',
    '9999-12-31T23:59:59-01:00',
    '',
    null,
    1_704_103_200,
  ])('%p is none', (given) => {
    expect(readInstant(given)).toEqual({ ok: false });
  });

  it('comes back from its own text, to the microsecond', () => {
    const micros = fc.bigInt({ min: 0n, max: 253_402_300_799_999_999n });
    fc.assert(fc.property(micros, (at) => Instant.of(Instant.format(Instant.ofMicros(at))) === at));
  });
});
