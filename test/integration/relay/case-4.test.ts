import type { Stack } from '@tradesense/local';

import { case4, case4Stack, grows } from '../../soak/scenario/case-4.js';

/** Whoever waits for Kafka waits for seconds. */
const ANSWERED_MS = 1_500;

describe('while trades are posted', () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await case4Stack();
  });
  afterAll(() => stack?.stop());

  it('Kafka may stand still, and refuse the topic of events: nothing is given up, its age shows, all arrives in order', async () => {
    const { verdict, frozen, denied, parked } = await case4(stack, {
      rate: 25,
      calmSeconds: 1,
      frozenSeconds: 5,
      deniedSeconds: 4,
      recoverWithinMs: 20_000,
    });
    for (const outage of [frozen, denied]) {
      expect(outage.refused).toBe(0);
      expect(outage.tradeMs).toBeLessThan(ANSWERED_MS);
      expect([outage.lagS, grows(outage)]).toEqual([outage.lagS, true]); // shows the figures when it is red
    }
    expect(parked).toBe(0);
    expect(verdict.breaches).toEqual([]);
  }, 90_000);
});
