import { randomInt } from 'node:crypto';

import { chaos, chaosStack, type FaultName } from '../soak/scenario/chaos.js';

/** One round of these faults under a tenth of production's lease; `npm run soak -- chaos` has all of them, for as long as it is let. */
export async function survive(faults: readonly FaultName[]): Promise<void> {
  const seed = Number(process.env['SEED'] ?? randomInt(2 ** 31));
  console.log(`SEED=${seed}`);
  const stack = await chaosStack();
  const size = { seconds: 0, writers: 20, challenges: 40, leaseMs: 1_000, calmMs: 1_000 };
  const { verdict, unexplained, parked, takeOvers, tally } = await chaos(stack, { ...size, seed, faults }).finally(() =>
    stack.stop(),
  );
  expect(verdict.breaches).toEqual([]);
  expect(unexplained).toEqual([]);
  expect(parked).toBe(0);
  expect(takeOvers).toBeGreaterThan(1);
  expect(verdict.committed).toBeGreaterThan(200);
  expect(tally.prepared).toBeGreaterThan(0);
}
