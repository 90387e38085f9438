import { Instant } from '@tradesense/contracts';
import fc from 'fast-check';

import { dayAfter, dayOf, type DayRule } from '../../../../services/trade/src/domain/day/day.js';

const midnight = (timeZone: string): DayRule => ({ timeZone, dayStartsAt: '00:00' });
const shown = (rule: DayRule, at: string) => {
  const { date, startsAt, endsAt } = dayOf(rule, Instant.of(at));
  return [date, Instant.format(startsAt), Instant.format(endsAt)];
};

describe('a trading day', () => {
  it.each([
    ['UTC', '2026-03-02T00:00:00Z', '2026-03-02', '2026-03-02T00:00:00Z', '2026-03-03T00:00:00Z'],
    ['Europe/Prague, 23 h', '2026-03-29T12:00:00Z', '2026-03-29', '2026-03-28T23:00:00Z', '2026-03-29T22:00:00Z'],
    ['Europe/Prague, 25 h', '2026-10-25T12:00:00Z', '2026-10-25', '2026-10-24T22:00:00Z', '2026-10-25T23:00:00Z'],
    [
      'Australia/Lord_Howe, 23.5 h',
      '2026-10-03T20:00:00Z',
      '2026-10-04',
      '2026-10-03T13:30:00Z',
      '2026-10-04T13:00:00Z',
    ],
    [
      'Australia/Lord_Howe, 24.5 h',
      '2026-04-04T20:00:00Z',
      '2026-04-05',
      '2026-04-04T13:00:00Z',
      '2026-04-05T13:30:00Z',
    ],
    ['Asia/Kathmandu', '2026-01-01T18:15:00Z', '2026-01-02', '2026-01-01T18:15:00Z', '2026-01-02T18:15:00Z'],
    ['Africa/Cairo, no midnight', '2026-04-23T22:00:00Z', '2026-04-24', '2026-04-23T22:00:00Z', '2026-04-24T21:00:00Z'],
    [
      'America/Santiago, no midnight',
      '2026-09-06T04:00:00Z',
      '2026-09-06',
      '2026-09-06T04:00:00Z',
      '2026-09-07T03:00:00Z',
    ],
    [
      'America/Havana, two midnights',
      '2026-11-01T04:30:00Z',
      '2026-11-01',
      '2026-11-01T04:00:00Z',
      '2026-11-02T05:00:00Z',
    ],
  ])('in %s', (zone, at, ...day) => {
    expect(shown(midnight(zone.split(',')[0] ?? ''), at)).toEqual(day);
  });

  it('of a date that did not exist is not invented', () => {
    const before = dayOf(midnight('Pacific/Apia'), Instant.of('2011-12-30T09:00:00Z'));
    expect(before.date).toBe('2011-12-29');
    const after = dayAfter(midnight('Pacific/Apia'), before);
    expect(after.date).toBe('2011-12-31');
    expect(after.startsAt).toBe(before.endsAt);
  });

  it('may start at another hour than midnight', () => {
    const newYork: DayRule = { timeZone: 'America/New_York', dayStartsAt: '17:00' };
    expect(shown(newYork, '2026-03-06T21:59:59Z')[0]).toBe('2026-03-05');
    expect(shown(newYork, '2026-03-06T22:00:00Z')[0]).toBe('2026-03-06');
    expect(shown(newYork, '2026-03-09T20:59:59Z')[0]).toBe('2026-03-08'); // clocks have changed
    expect(shown(newYork, '2026-03-09T21:00:00Z')[0]).toBe('2026-03-09');
  });

  const zones = [
    'UTC',
    'Europe/Prague',
    'Africa/Cairo',
    'America/Havana',
    'America/Santiago',
    'Australia/Lord_Howe',
    'Pacific/Apia',
    'Asia/Kathmandu',
  ];
  it('contains its moments, and the next one begins where it ends, in every zone', () => {
    const moments = fc.bigInt({ min: Instant.of('2008-01-01T00:00:00Z'), max: Instant.of('2030-01-01T00:00:00Z') });
    const starts = fc.constantFrom('00:00', '00:30', '17:00');
    fc.assert(
      fc.property(fc.constantFrom(...zones), starts, moments, (timeZone, dayStartsAt, micros) => {
        const rule = { timeZone, dayStartsAt };
        const at = Instant.ofMicros(micros);
        const day = dayOf(rule, at);
        expect(day.startsAt <= at && at < day.endsAt).toBe(true);
        const next = dayAfter(rule, day);
        expect(next.startsAt).toBe(day.endsAt);
        expect(next.endsAt > next.startsAt).toBe(true);
        expect(dayOf(rule, next.startsAt)).toEqual(next);
      }),
      { numRuns: 300 },
    );
  });
});
