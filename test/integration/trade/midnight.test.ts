import { rolls } from '../../soak/scenario/rolls.js';
import { openStack } from '../../support/stack.js';

/** At full size: `npm run soak -- rolls`. */
describe('midnight for many', () => {
  it('is over at the configured rate, while others trade on', async () => {
    const ground = await openStack({ topics: false });
    const size = { challenges: 2_000, rollsPerS: 1_000, rate: 50, calmSeconds: 1, warmUpSeconds: 0 };
    const seen = await rolls(ground, size).finally(() => ground.close());
    expect(seen.breaches).toEqual([]);
    expect(seen.firstMs).toBeLessThan(5_000);
    expect(seen.lastMs).toBeLessThan(8_000);
    expect(seen.meanwhile.p99).toBeLessThan(1_000); // the soak compares with the same seconds without a midnight
  });
});
