import { Instant, readInstant } from '@tradesense/contracts';
import fc from 'fast-check';

const micros = fc.bigInt({ min: 0n, max: 253_402_300_799_999_999n });

describe('an instant', () => {
  it('keeps its microseconds on the way out and back', () => {
    fc.assert(fc.property(micros, (at) => expect(Instant.of(Instant.format(Instant.ofMicros(at)))).toBe(at)));
  });

  it('is what Date makes of the same text, to the millisecond', () => {
    const date = fc.date({ min: new Date(0), max: new Date('9999-12-31T23:59:59.999Z'), noInvalidDate: true });
    fc.assert(
      fc.property(date, (moment) => expect(Instant.of(moment.toISOString())).toBe(BigInt(moment.getTime()) * 1_000n)),
    );
  });

  it.each([
    ['2024-01-01T10:00:00Z', '2024-01-01T10:00:00Z'],
    ['2024-01-01T10:00:00.120Z', '2024-01-01T10:00:00.120Z'],
    ['2024-01-01T10:00:00.123456789Z', '2024-01-01T10:00:00.123456Z'],
    ['2024-01-01T10:00:00+02:00', '2024-01-01T08:00:00Z'],
    ['2024-01-01T00:30:00-05:45', '2024-01-01T06:15:00Z'],
    ['2024-02-29T00:00:00Z', '2024-02-29T00:00:00Z'],
  ])('%s is %s in UTC', (text, wanted) => {
    expect(Instant.format(Instant.of(text))).toBe(wanted);
  });

  it.each([
    '2023-02-29T00:00:00Z',
    '2024-04-31T00:00:00Z',
    '2024-01-01T24:00:00Z',
    '2024-06-30T23:59:60Z',
    '2024-13-01T00:00:00Z',
    '2024-01-01 10:00:00Z',
    '2024-01-01t10:00:00z',
    '2024-01-01T10:00:00',
    '2024-01-01T10:00Z',
    '2024-01-01T10:00:00.Z',
    '2024-01-01T10:00:00+24:00',
    '1969-12-31T23:59:59Z',
    '20240101T100000Z',
    'now',
    '',
    1_704_103_200,
    null,
  ])('%j is none', (text) => {
    expect(readInstant(text)).toEqual({ ok: false });
  });
});
