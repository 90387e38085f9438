import type { Stack } from '@tradesense/local';

import { case6, case6Stack } from '../../soak/scenario/case-6.js';

const AWAY_S = 5;

describe('while trades are posted, a lease must be extended and housekeeping falls due', () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await case6Stack();
  });
  afterAll(() => stack?.stop());

  it('PostgreSQL may go away and come back: nobody falls, besieges it or floods the log, and trades are refused as they should be', async () => {
    const { verdict, rounds, unhandled } = await case6(stack, { rate: 50, awaySeconds: AWAY_S, rounds: 1 });
    const [{ of, refused, otherwise, acceptedMs, settledMs, again }] = rounds as [(typeof rounds)[number]];
    for (const { isSamePid, core, attempts, lines, live, ready } of [of.trade, of.relay]) {
      expect([isSamePid, live, ready]).toEqual([true, 200, 503]);
      expect(core).toBeLessThan(0.5);
      expect(attempts).toBeLessThanOrEqual(120);
      expect(lines).toBeLessThanOrEqual(20);
    }
    expect(refused).toBeGreaterThan(100);
    expect(otherwise).toEqual([]);
    expect(again).toEqual([]);
    expect(acceptedMs).toBeLessThan(5_000);
    expect(settledMs).toBeLessThan(15_000);
    expect(unhandled).toEqual([]);
    expect(verdict.breaches).toEqual([]);
  }, 90_000);
});
