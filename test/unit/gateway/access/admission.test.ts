import { Admission } from '../../../../services/gateway/src/access/index.js';

const RATE = { perSecond: 50, burst: 50 };
const middle = { below: (limit: number) => limit / 2 };
const admission = (): Admission => new Admission(RATE, middle, 0);
const refusedAt = (admits: Admission, nowMs: number, count: number): number[] =>
  Array.from({ length: count }, () => admits.appointmentMs(nowMs));

describe('admission of 50 a second', () => {
  it('lets 50 in at once, and then as many as a second brings', () => {
    const admits = admission();
    const letIn = (nowMs: number, tries: number): number =>
      Array.from({ length: tries }, () => admits.take(nowMs)).filter(Boolean).length;
    expect(letIn(0, 500)).toBe(50);
    expect(letIn(1_000, 500)).toBe(50);
    expect(letIn(1_100, 500)).toBe(5);
  });

  it('asks those who were refused together back one by one, at the rate, none within a second', () => {
    const waits = refusedAt(admission(), 0, 500);
    expect(waits.slice(0, 3)).toEqual([1_020, 1_040, 1_060]);
    expect(waits.at(-1)).toBe(11_000);
  });

  it('gives whoever comes later the places behind them, and forgets appointments that are over', () => {
    const admits = admission();
    refusedAt(admits, 0, 100);
    expect(admits.appointmentMs(500)).toBe(2_520);
    expect(admits.appointmentMs(60_000)).toBe(1_020);
  });

  it('asks nobody back later than in 20 s, however many were refused', () => {
    const waits = refusedAt(admission(), 0, 5_000);
    expect(Math.max(...waits)).toBeLessThanOrEqual(20_000);
    expect(waits.at(-1)).toBe(1_000 + 19_000 / 2);
  });
});
