import { twoGateways } from '../../soak/scenario/two-gateways.js';
import { hasHaproxy } from '../../support/debian.js';
import { environmentOf, faultsOfExample } from '../../support/haproxy.js';
import { openStack, type OwnGround } from '../../support/stack.js';

const title = 'two gateways behind HAProxy, by the example configuration';

(hasHaproxy ? describe : describe.skip)(hasHaproxy ? title : `${title} (NOT RUN: haproxy is not installed)`, () => {
  let ground: OwnGround;
  beforeEach(async () => {
    ground = await openStack();
  });
  afterEach(() => ground.close());
  const plan = { rooms: 30, perRoom: 2, rate: 100, withinMs: 30_000, env: { ADMISSION_PER_S: '500' } };
  const EXACT = { duplicates: 0, gaps: 0, partial: 0 };

  it('lose nothing when a third is added and one is killed', async () => {
    const seen = await twoGateways(ground, { ...plan, how: 'SIGKILL', adds: true });
    expect(seen).toMatchObject(EXACT);
    expect(Math.min(...seen.clients)).toBeGreaterThan(10);
    expect(seen.blindMs).toHaveLength(seen.clients[0] as number);
    expect(seen.addedClients).toBeGreaterThan(0);
  });

  it('lose nothing when one is asked to go', async () => {
    const seen = await twoGateways(ground, { ...plan, how: 'SIGTERM', adds: false });
    expect(seen).toMatchObject({ ...EXACT, exit: { code: 0 }, restless: 0 });
    expect(seen.blindMs).toHaveLength(seen.clients[0] as number);
  });

  it('which HAProxy itself has nothing to say against, as it stands and as it is tried here', () => {
    expect(faultsOfExample({})).toBe('');
    const backends = [1, 2, 3].map((nth) => ({ port: 10_000 + nth, adminPort: 11_000 + nth }));
    expect(faultsOfExample(environmentOf(12_000, backends))).toBe('');
  });
});
