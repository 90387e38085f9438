import { choosePorts } from '../../../infra/local/src/demo/demo-ports.js';

const taken =
  (...ports: readonly number[]) =>
  (port: number): Promise<boolean> =>
    Promise.resolve(!ports.includes(port));

describe('the demo’s ports', () => {
  it('are the usual ones where nobody says otherwise', async () => {
    expect(await choosePorts({}, undefined, taken())).toMatchObject({
      ok: true,
      ports: { TRADE_PORT: 3000, GATEWAY_PORT: 5000 },
    });
  });
  it('come from the environment', async () => {
    expect(await choosePorts({ TRADE_PORT: '4000' }, undefined, taken(3000))).toMatchObject({
      ok: true,
      ports: { TRADE_PORT: 4000 },
    });
  });
  it('name one that is in use with its variable, all at once', async () => {
    const choice = await choosePorts({}, undefined, taken(3000, 8080));
    expect(choice).toEqual({
      ok: false,
      faults: [
        'Port 3000 is in use: end what uses it, or set TRADE_PORT to a free one',
        'Port 8080 is in use: end what uses it, or set DASHBOARD_PORT to a free one',
      ],
    });
  });
  it('let the gateway’s usual 5000 give way to the next free one, and say so', async () => {
    expect(await choosePorts({}, undefined, taken(5000, 5001))).toMatchObject({
      ok: true,
      ports: { GATEWAY_PORT: 5002 },
      moved: ['Port 5000 is in use: the gateway takes 5002'],
    });
  });
  it('do not move a gateway’s port that somebody chose', async () => {
    expect(await choosePorts({ GATEWAY_PORT: '6000' }, undefined, taken(6000))).toMatchObject({
      ok: false,
      faults: ['Port 6000 is in use: end what uses it, or set GATEWAY_PORT to a free one'],
    });
  });
  it('refuse what is no port', async () => {
    expect(await choosePorts({ KAFKA_PORT: '99999' }, undefined, taken())).toMatchObject({ ok: false });
  });
});
