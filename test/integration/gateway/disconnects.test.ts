import { randomInt } from 'node:crypto';

import { CUTS, disconnects } from '../../soak/scenario/disconnects.js';
import { realDisconnects } from '../../soak/scenario/real-disconnects.js';

/** `npm run soak -- disconnects` has ten times as many. */
describe('connections that end anywhere', () => {
  const seed = Number(process.env['SEED'] ?? randomInt(2 ** 31));
  beforeAll(() => console.log(`SEED=${seed}`));

  it('are continued exactly, or not at all and with a reason', async () => {
    const seen = await disconnects(200, seed);
    expect(seen).toMatchObject({ faults: [], partial: 0, duplicates: 0, gaps: 0 });
    for (const cut of CUTS) expect(seen.byCut[cut]).toBeGreaterThan(0);
    expect(seen.recovered).toBeGreaterThan(50);
    expect(seen.handled).toBeGreaterThan(500);
  });

  it('also those of stock clients on real sockets', async () => {
    const { faults, recovered } = await realDisconnects(10, seed);
    expect(faults).toEqual([]);
    expect(recovered).toBeGreaterThanOrEqual(20);
  });
});
