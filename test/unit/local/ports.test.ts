import { once } from 'node:events';
import { createServer } from 'node:net';

import { freePort, isFree } from '../../../infra/local/src/ports.js';

describe('a free port', () => {
  it('lies where no system takes the near end of its outgoing connections', async () => {
    const port = await freePort();
    expect(port).toBeGreaterThanOrEqual(20_000);
    expect(port).toBeLessThan(32_000);
  });

  it('is given once', async () => {
    const ports = await Promise.all(Array.from({ length: 50 }, freePort));
    expect(new Set(ports).size).toBe(50);
  });

  it.each(['127.0.0.1', '0.0.0.0', '::'])('is not free while somebody listens on %s', async (host) => {
    const port = await freePort();
    const server = createServer().listen({ port, host });
    await once(server, 'listening');
    expect(await isFree(port)).toBe(false);
    server.close();
    await once(server, 'close');
    expect(await isFree(port)).toBe(true);
  });
});
