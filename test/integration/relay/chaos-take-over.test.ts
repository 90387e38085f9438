import type { Stack } from '@tradesense/local';

import { END_NAMES, takeOver, takeOverStack } from '../../soak/scenario/take-over.js';

const LEASE_MS = 1_500;
/** What a busy machine may add. */
const SLACK_MS = 4_000;

describe('a relay that stands by', () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await takeOverStack();
  });
  afterAll(() => stack?.stop());

  it('leads when the lease of a leader that was killed, stopped or cut off has run out, and at once after one that ended in order', async () => {
    const { verdict, takeOvers } = await takeOver(stack, { rounds: 1, leaseMs: LEASE_MS });
    expect(takeOvers.map(({ end }) => end)).toEqual(END_NAMES);
    for (const { leaseMs, publishedMs } of takeOvers) {
      expect(leaseMs).toBeLessThan(LEASE_MS + SLACK_MS);
      expect(publishedMs).toBeLessThan(LEASE_MS + SLACK_MS);
    }
    expect(verdict.breaches).toEqual([]);
  }, 60_000);
});
