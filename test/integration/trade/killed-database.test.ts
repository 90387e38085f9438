import { randomInt } from 'node:crypto';

import { killedDatabase } from '../../soak/scenario/killed-database.js';
import { chanceOf } from '../../support/outbox-writers.js';
import { privateStack } from '../../support/stack.js';

/** At full size: `npm run soak -- killed-database`. */
describe('PostgreSQL that dies under load', () => {
  it('loses no accepted trade, doubles none, and repeats first answers', async () => {
    const seed = Number(process.env['SEED'] ?? randomInt(2 ** 31));
    console.log(`SEED=${seed}`);
    const stack = await privateStack({ topicPrefix: null });
    const size = { kills: 2, rate: 150, challenges: 20, calmMs: 1_000, awayMs: 300 };
    const seen = await killedDatabase(stack, { ...size, chance: chanceOf(seed) }).finally(() => stack.stop());
    expect(seen.breaches).toEqual([]);
    expect(seen.accepted).toBeGreaterThan(150);
    expect(seen.refused).toBeGreaterThan(0);
  });
});
