import { heldChallenge } from '../../soak/scenario/held-challenge.js';
import { openStack } from '../../support/stack.js';

/** At full size: `npm run soak -- held-challenge`. */
describe('a challenge that somebody else holds for three seconds', () => {
  it('slows no other down, and its own trades come through', async () => {
    const ground = await openStack({ topics: false });
    try {
      const { breaches, freeP99, heldP99, accepted, overloaded } = await heldChallenge(ground, {
        seconds: 3,
        rounds: 1,
        rate: 100,
      });
      expect(breaches).toEqual([]);
      expect([accepted, overloaded]).toEqual([20, 0]);
      expect(heldP99).toBeLessThan(3 * freeP99 + 100); // the machine is shared; waiting for the holder would be 3 s
    } finally {
      await ground.close();
    }
  });
});
