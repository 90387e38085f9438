import { createServer, type AddressInfo } from 'node:net';

import { AdminListener, Health, createMetrics } from '@tradesense/platform';

const open: AdminListener[] = [];
function listener({ port = 0, health = new Health() } = {}): { admin: AdminListener; health: Health } {
  const metrics = createMetrics('probe');
  metrics.counter({ name: 'seen_total', help: 'Seen.' }).inc();
  const admin = new AdminListener({ host: '127.0.0.1', port, registry: metrics.registry, health });
  open.push(admin);
  return { admin, health };
}
const get = (admin: AdminListener, path: string, init?: RequestInit): Promise<Response> =>
  fetch(`http://127.0.0.1:${admin.port}${path}`, init);

afterEach(async () => {
  for (const admin of open.splice(0)) await admin.stop();
});

describe('the admin listener', () => {
  it('says that the loop turns', async () => {
    const { admin } = listener();
    await admin.start();
    const answer = await get(admin, '/livez');
    expect([answer.status, await answer.text()]).toEqual([200, 'ok\n']);
  });

  it('is ready when health is, and says what is wrong when not', async () => {
    const { admin, health } = listener();
    await admin.start();
    expect((await get(admin, '/readyz')).status).toBe(200);
    health.check('kafka', () => ({ ok: false, detail: 'no broker answers' }));
    const answer = await get(admin, '/readyz?verbose');
    expect(answer.status).toBe(503);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(await answer.json()).toMatchObject({ ok: false, checks: { kafka: { detail: 'no broker answers' } } });
  });

  it('gives the metrics', async () => {
    const { admin } = listener();
    await admin.start();
    const answer = await get(admin, '/metrics');
    expect(answer.headers.get('content-type')).toContain('text/plain');
    expect(await answer.text()).toContain('tradesense_probe_seen_total 1');
  });

  it.each([
    ['/elsewhere', 'GET', 404],
    ['//', 'GET', 404],
    ['/livez', 'POST', 405],
  ])('answers %s by %s with %i and lives', async (path, method, status) => {
    const { admin } = listener();
    await admin.start();
    expect((await get(admin, path, { method })).status).toBe(status);
    expect((await get(admin, '/livez')).status).toBe(200);
  });

  it('fails to start where the port is taken', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => taken.once('listening', resolve));
    const { admin } = listener({ port: (taken.address() as AddressInfo).port });
    await expect(admin.start()).rejects.toMatchObject({ code: 'EADDRINUSE' });
    await admin.stop();
    await new Promise((resolve) => taken.close(resolve));
  });

  it('may be stopped before it was started, and then stays down', async () => {
    const { admin } = listener();
    await admin.stop();
    await admin.start();
    expect(() => admin.port).toThrow();
  });

  it('leaves nothing behind after fifty starts and fifty stops at the same time', async () => {
    const { admin } = listener();
    await Promise.all(Array.from({ length: 50 }, () => admin.start()));
    const { port } = admin;
    await Promise.all(Array.from({ length: 50 }, () => admin.stop()));
    await expect(fetch(`http://127.0.0.1:${port}/livez`)).rejects.toThrow();
  });

  it('is down after a stop in the middle of its start', async () => {
    const { admin } = listener();
    await Promise.all([admin.start(), admin.stop()]);
    expect(() => admin.port).toThrow();
  });

  it('does not wait for a caller that keeps its connection', async () => {
    const { admin } = listener();
    await admin.start();
    await (await get(admin, '/livez', { headers: { connection: 'keep-alive' } })).text();
    const started = performance.now();
    await admin.stop();
    expect(performance.now() - started).toBeLessThan(1_000);
  });
});
