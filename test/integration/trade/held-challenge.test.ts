import { heldChallenge } from '../../soak/scenario/held-challenge.js';
import { openStack } from '../../support/stack.js';

/** At full size: `npm run soak -- held-challenge`. */
describe('a challenge that somebody else holds for a second and a half, three times', () => {
  it('slows no other down, and its own trades come through', async () => {
    const ground = await openStack({ topics: false });
    try {
      const { breaches, freeP99, heldP99, accepted, overloaded } = await heldChallenge(ground, {
        seconds: 1.5,
        rounds: 3, // the machine is shared with other tests: one stall must not decide
        rate: 100,
      });
      expect(breaches).toEqual([]);
      expect([accepted, overloaded]).toEqual([60, 0]);
      expect(heldP99).toBeLessThan(3 * freeP99 + 100); // waiting for the holder would be 1.5 s
    } finally {
      await ground.close();
    }
  });
});
