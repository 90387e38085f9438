import { randomInt } from 'node:crypto';

import { gatewayAway } from '../../soak/scenario/gateway-away.js';
import { justCreated } from '../../soak/scenario/just-created.js';
import { openStack, type OwnGround } from '../../support/stack.js';

/** `npm run soak -- outage`, `-- freeze` and `-- just-created` are longer and larger. */
describe('clients of a gateway', () => {
  const seed = Number(process.env['SEED'] ?? randomInt(2 ** 31));
  let ground: OwnGround;
  beforeAll(() => console.log(`SEED=${seed}`));
  beforeEach(async () => {
    ground = await openStack();
  });
  afterEach(() => ground.close());

  it.each([
    ['killed and started again', 'killed', 2],
    ['frozen for a while', 'frozen', 4],
  ] as const)('that is %s have every event once, in order', async (_, how, awaySeconds) => {
    const size = { clients: 20, eventsPerS: 100, awaySeconds, how, seed, longestBackOffMs: 1_000 };
    const seen = await gatewayAway(ground, size);
    expect(seen.faults).toEqual([]);
    expect(seen.writtenMeanwhile).toBeGreaterThan(50);
    expect(seen.recovered).toBe(how === 'killed' ? size.clients : 0);
    expect(Math.max(...seen.sinceAttemptMs)).toBeLessThan(10_000);
  });

  it('that joined before their challenge was in Kafka are all let in', async () => {
    const { faults, answeredMs } = await justCreated(ground, 40, seed);
    expect(faults).toEqual([]);
    expect(answeredMs).toHaveLength(40);
  });
});
