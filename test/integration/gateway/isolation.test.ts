import { randomInt } from 'node:crypto';

import { isolation } from '../../soak/scenario/isolation.js';
import { chanceOf } from '../../support/outbox-writers.js';
import { openStack, type OwnGround } from '../../support/stack.js';
import { unownedGateway } from '../../support/unowned-gateway.js';

/** At full size: `npm run soak -- isolation`. */
describe('events of challenges that change hands, to users who ask for everything', () => {
  let ground: OwnGround;
  beforeEach(async () => {
    ground = await openStack();
  });
  afterEach(() => ground.close());
  const run = (entry?: string) => {
    const seed = Number(process.env['SEED'] ?? randomInt(2 ** 31));
    console.log(`SEED=${seed}`);
    const plan = { users: 30, rooms: 60, events: 9_000, eventsPerSecond: 1_500, restarts: 1, chance: chanceOf(seed) };
    return isolation(ground, { ...plan, ...(entry === undefined ? {} : { entry }) });
  };

  it('reach none whose challenge it was not at that event, over revocations and a killed gateway', async () => {
    const { leaks, delivered, joinsRefused, revocations } = await run();
    expect(leaks).toEqual([]);
    expect(delivered).toBeGreaterThan(1_000);
    expect(joinsRefused).toBeGreaterThan(0);
    expect(revocations).toBeGreaterThan(0);
  });

  it('do reach others where nobody asks whose they are: the check above sees it', async () => {
    const { leaked } = await run(unownedGateway());
    expect(leaked).toBeGreaterThan(0);
  });
});
