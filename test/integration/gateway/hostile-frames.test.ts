import { randomInt } from 'node:crypto';

import { hostile } from '../../soak/scenario/hostile.js';
import { chanceOf } from '../../support/outbox-writers.js';
import { openStack, type OwnGround } from '../../support/stack.js';

/** At full size: `npm run soak -- hostile`. */
describe('ten thousand mutated frames (S6)', () => {
  let ground: OwnGround;
  beforeAll(async () => {
    ground = await openStack();
  });
  afterAll(() => ground.close());

  it('leave the gateway as it was, and others notice nothing', async () => {
    const seed = Number(process.env['SEED'] ?? randomInt(2 ** 31));
    console.log(`SEED=${seed}`);
    const seen = await hostile(ground, { frames: 10_000, atOnce: 20, waits: false, chance: chanceOf(seed) });
    expect(seen).toMatchObject({
      isRunning: true,
      lostConnections: 0,
      duplicates: 0,
      gaps: 0,
      partial: 0,
      errors: [],
    });
    expect(seen.frames).toBeGreaterThanOrEqual(10_000);
    expect(seen.events).toBeGreaterThan(20); // the quicker the machine, the fewer
    expect(seen.afterMb - seen.beforeMb).toBeLessThan(32); // some of them are not gone yet
  });
});
