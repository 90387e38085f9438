import { crowding, drain } from '../../soak/scenario/drain.js';
import { openStack, type OwnGround } from '../../support/stack.js';

/** Scaled down from `npm run soak -- drain`, which has 2,000 clients and 500 events a second. */
describe('SIGTERM under load', () => {
  let ground: OwnGround;
  beforeAll(async () => {
    ground = await openStack();
  });
  afterAll(() => ground.close());

  it('spreads its clients over the time it has, ends with 0, and nobody misses an event by cursor (S16)', async () => {
    const seen = await drain(ground, { rooms: 100, perRoom: 3, rate: 100, drainMs: 2_000, withinMs: 30_000 });
    expect(seen).toMatchObject({ exit: { code: 0 }, clients: 300, duplicates: 0, gaps: 0, partial: 0 });
    expect(Math.max(...seen.leftMs)).toBeGreaterThan(1_000); // 300 at 250 a second
    // All at once would be 1. The soak asks for 0.4; beside other tests this process hears several slices late, together.
    expect(crowding(seen)).toBeLessThan(0.8);
  });
});
