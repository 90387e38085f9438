import { churn } from '../../support/churn.js';
import { LightClient } from '../../support/light-client.js';
import { SocketServer } from '../../support/socket-server.js';
import { tokens } from '../../support/tokens.js';
import { until } from '../../support/until.js';
import { faultsOf, storm } from '../../soak/scenario/storm.js';

const PER_SECOND = 50;
const CLIENTS = 350;
const CHURNED = Number(process.env['CHURNED'] ?? 1_000);
const SEED = Number(process.env['SEED'] ?? 15);

/** Scaled down from `npm run soak -- storm`, which has 5,000 clients and 500 a second. */
describe('a storm of reconnects', () => {
  it('is let in at the configured rate, told when to come, and leaves nothing', async () => {
    const server = await SocketServer.start({ admissionPerSecond: PER_SECOND });
    const clients: LightClient[] = [];
    try {
      for (let index = 0; index < CLIENTS; index += 1) {
        const { userId, challengeId, cursor } = server.challenge();
        const token = await tokens.user(userId);
        clients.push(new LightClient({ url: server.url, token, challengeId, cursor }));
      }
      const options = { perSecond: PER_SECOND, withinMs: 30_000 };
      expect(faultsOf(await storm(clients, options), options)).toEqual([]);
      expect(server.connections.size).toBe(CLIENTS);
    } finally {
      for (const client of clients) client.drop();
    }
    await until(() => server.connections.size === 0);
    await server.stop();
  });
});

/** With CHURNED=10000 at full size. */
describe('connections that are cut off in mid-join', () => {
  it(`leave nothing in any map: ${CHURNED} of them, seed ${SEED} (S15)`, async () => {
    expect(await churn({ connections: CHURNED, atOnce: 50, seed: SEED })).toEqual([]);
  }, 120_000);
});
