import { ageText, countdown, utcText } from '../../../../services/dashboard/src/format/time.js';

const MIDNIGHT = Date.parse('2026-11-26T00:00:00Z');

describe('the countdown to the next trading day', () => {
  it.each([
    ['2026-11-25T14:30:00Z', '09:30:00'],
    ['2026-11-25T23:59:59.001Z', '00:00:01'],
    ['2026-11-25T23:59:59Z', '00:00:01'],
    ['2026-11-26T00:00:00Z', '00:00:00'],
    ['2026-11-26T03:00:00Z', '00:00:00'],
    ['2026-11-24T23:00:00Z', '25:00:00'],
  ])('at %s says %s', (now, shown) => {
    expect(countdown(MIDNIGHT, Date.parse(now))).toBe(shown);
  });
});

describe('the age of figures', () => {
  it.each([
    [-500, '0 s'],
    [59_999, '59 s'],
    [60_000, '1 min'],
    [3_600_000, '1 h'],
  ])('of %d ms is %s', (ms, shown) => {
    expect(ageText(ms)).toBe(shown);
  });
});

it('says the firm`s time as it is written', () => {
  expect(utcText('2026-11-26T00:00:00Z')).toBe('00:00 UTC');
});
