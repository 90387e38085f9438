import { slowReader } from '../../soak/scenario/slow-reader.js';
import { openStack, type OwnGround } from '../../support/stack.js';

/** At full size, with the others' latencies: `npm run soak -- slow-reader`. */
describe('a reader that pauses in a room of 200 events a second', () => {
  let ground: OwnGround;
  beforeAll(async () => {
    ground = await openStack();
  });
  afterAll(() => ground.close());

  it('holds up 256 KiB at most, gets the present at once, and every status change and alert; four rooms rejoin once (S9)', async () => {
    const seen = await slowReader(ground, { pauseMs: 4_000, controlPairs: 0, others: 5, othersPerSecond: 20 });
    expect(seen).toMatchObject({
      importantMissed: [],
      inOrder: true,
      faults: [],
      wasClosed: false,
      rejoins: ['recovered', 'recovered', 'recovered', 'recovered'],
      rejoinFaults: [],
    });
    expect(seen.importantPublished).toBeGreaterThanOrEqual(4);
    expect(seen.collapsed).toBeGreaterThan(0);
    expect(seen.kernelBytes).toBeGreaterThan(0);
    expect(seen.kernelBytes).toBeLessThanOrEqual(256 * 1024);
    expect(seen.newestMs).toBeLessThan(2_000);
  });
});
