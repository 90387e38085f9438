import { LightClient } from '../../support/light-client.js';
import { SocketServer } from '../../support/socket-server.js';
import { tokens } from '../../support/tokens.js';
import { until } from '../../support/until.js';
import { faultsOf, storm } from '../../soak/scenario/storm.js';

const PER_SECOND = 50;
const CLIENTS = 350;

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
