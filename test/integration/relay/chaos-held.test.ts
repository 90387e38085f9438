import { held } from '../../soak/scenario/held.js';
import { openStack, type OwnGround } from '../../support/stack.js';

describe('a transaction that draws a position and stays open', () => {
  let ground: OwnGround;
  beforeAll(async () => {
    ground = await openStack();
  });
  afterAll(() => ground?.close());

  it('delays its own rows and nobody else’s', async () => {
    const seen = await held(ground, { seconds: 3, rate: 100 });
    expect(seen.verdict.breaches).toEqual([]);
    expect(seen.verdict.repeats).toBe(0);
    expect(seen.published).toBe(300);
    expect(seen.meanwhile.p50).toBeLessThan(500);
    expect(seen.ownMs).toBeLessThan(5_000);
  }, 60_000);
});
