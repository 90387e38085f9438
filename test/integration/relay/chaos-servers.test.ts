import { randomInt } from 'node:crypto';

import type { Stack } from '@tradesense/local';

import { chaos, chaosStack } from '../../soak/scenario/chaos.js';

/** A tenth of production's lease, and one round of these faults; `npm run soak -- chaos` has all of them, for as long as it is let. */
describe('three relays beside writers that keep the rule and nothing else', () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await chaosStack();
  });
  afterAll(() => stack?.stop());

  it('lose nothing, turn nothing round, and repeat only for a reason while PostgreSQL and Kafka crash under prepared transactions', async () => {
    const seed = Number(process.env['SEED'] ?? randomInt(2 ** 31));
    console.log(`SEED=${seed}`);
    const { verdict, unexplained, parked, takeOvers, tally } = await chaos(stack, {
      seed,
      seconds: 0,
      faults: ['PostgreSQL process killed', 'both killed', "Kafka's replies cut short"],
      writers: 20,
      challenges: 40,
      leaseMs: 1_000,
      calmMs: 1_000,
    });
    expect(verdict.breaches).toEqual([]);
    expect(unexplained).toEqual([]);
    expect(parked).toBe(0);
    expect(takeOvers).toBeGreaterThan(1);
    expect(verdict.committed).toBeGreaterThan(200);
    expect(tally.prepared).toBeGreaterThan(0);
  }, 120_000);
});
