import { clock } from '../../soak/scenario/clock.js';
import { openStack, type OwnGround } from '../../support/stack.js';

describe('two relays whose wall clocks are ten minutes off, in both directions, and step every second', () => {
  let ground: OwnGround;
  beforeAll(async () => {
    ground = await openStack();
  });
  afterAll(() => ground?.close());

  it('lead, hand over, tell lag and watermarks by the database’s clock, and lose nothing', async () => {
    const seen = await clock(ground, { seconds: 6, leaseMs: 1_500, stepMs: 1_000 });
    expect(seen.offMs).toBeGreaterThan(500_000);
    expect(seen.verdict.breaches).toEqual([]);
    expect(seen.verdict.committed).toBe(301);
    // Four leases long nobody lost it, though each of the two could believe that it had run out minutes ago.
    expect(seen.leasesTaken).toBe(1);
    expect(seen.takeOverMs).toBeLessThan(10_000);
    expect(seen.lagS).toBeLessThan(5);
    expect(seen.asOfAgeS).toBeLessThan(5);
    expect(seen.watermarks).toBeGreaterThan(10);
    expect(seen.watermarkOffMs).toBeLessThan(10_000);
    expect(seen.unclearSends).toBe(0);
  }, 60_000);
});
