import { once } from 'node:events';

import { WebSocket } from 'ws';

import { Client, type ClientOptions } from '../../support/client.js';
import { hasHaproxy } from '../../support/debian.js';
import { History } from '../../support/facts.js';
import { Feed } from '../../support/feed.js';
import { Fleet } from '../../support/fleet.js';
import { openStack, type OwnGround } from '../../support/stack.js';
import { tokens } from '../../support/tokens.js';
import { until } from '../../support/until.js';

const PER_ADDRESS = 8;
const title = 'clients of gateways behind HAProxy';

(hasHaproxy ? describe : describe.skip)(hasHaproxy ? title : `${title} (NOT RUN: haproxy is not installed)`, () => {
  let ground: OwnGround;
  let feed: Feed;
  let fleet: Fleet;
  const clients: Client[] = [];
  beforeAll(async () => {
    ground = await openStack();
    feed = new Feed(ground);
    feed.startWatermarks();
    fleet = await Fleet.start(ground, { gateways: 2, env: { MAX_CONNECTIONS_PER_ADDRESS: String(PER_ADDRESS) } });
  });
  afterEach(async () => {
    for (const client of clients.splice(0)) client.close();
    await until(
      () => perGateway(),
      ([one, two]) => one === 0 && two === 0,
      { what: 'everybody has left' },
    );
  });
  afterAll(async () => {
    await fleet?.stop();
    await feed?.close();
    await ground?.close();
  });

  const perGateway = async (): Promise<readonly number[]> => [
    await fleet.connectionsOf(1),
    await fleet.connectionsOf(2),
  ];

  /** A client of a challenge of its own, which has joined; and an event that only its challenge has. */
  async function followed(history: History, socket: ClientOptions['socket']): Promise<Client> {
    const { challengeId, userId } = history;
    const client = new Client({ url: fleet.url, token: await tokens.user(userId), challengeId, socket: socket ?? {} });
    clients.push(client);
    await client.joined();
    return client;
  }
  async function known(): Promise<History> {
    const history = new History();
    await feed.publish(history.state());
    return history;
  }
  const transportOf = ({ socket }: Client): string => socket.io.engine.transport.name;

  it('may poll: the cookie keeps each at its gateway, whichever that is (phase 2)', async () => {
    const history = await known();
    const polling = { transports: ['polling'], extraHeaders: { Cookie: 'gateway=1' } };
    const one = await followed(history, polling);
    const two = await followed(history, { ...polling, extraHeaders: { Cookie: 'gateway=2' } });
    expect(await perGateway()).toEqual([1, 1]);
    await feed.trade(history, 20);
    await Promise.all([one.reached(20), two.reached(20)]);
    for (const client of [one, two]) {
      expect(transportOf(client)).toBe('polling');
      expect(client.handled).toHaveLength(20);
      expect(client.outages).toEqual([]);
    }
  });

  it('may poll without any cookie: the address keeps them there; and may go on to a WebSocket', async () => {
    const history = await known();
    const polling = await followed(history, { transports: ['polling'] });
    const upgraded = await followed(history, { transports: ['polling', 'websocket'] });
    await until(
      () => transportOf(upgraded),
      (name) => name === 'websocket',
      { what: 'it is a WebSocket now' },
    );
    expect((await perGateway()).toSorted((a, b) => a - b)).toEqual([0, 2]); // one address, one gateway
    await feed.trade(history, 20);
    for (const client of [polling, upgraded]) {
      await client.reached(20);
      expect(client.handled).toHaveLength(20);
      expect(client.outages).toEqual([]);
    }
  });

  it('are served by any gateway over a WebSocket, with nothing that holds them there (phase 3)', async () => {
    const history = await known();
    const all: Client[] = [];
    for (let count = 0; count < 6; count += 1) all.push(await followed(history, { transports: ['websocket'] }));
    expect(await perGateway()).toEqual([3, 3]);
    await feed.trade(history, 20);
    for (const client of all) {
      await client.reached(20);
      expect(client.handled).toHaveLength(20);
    }
    // One after the other changes places: wherever it comes back, it goes on by its cursor.
    for (const client of all) {
      client.socket.disconnect();
      await feed.trade(history);
      client.socket.connect();
    }
    for (const client of all) {
      await client.reached(26);
      expect(client.handled).toHaveLength(26);
      expect([client.duplicates, client.gaps, client.snapshots]).toEqual([[], [], []]);
    }
  });

  it('are counted by their own address, whatever they say of it themselves', async () => {
    const sockets: WebSocket[] = [];
    const answer = async (localAddress: string, says?: string): Promise<number> => {
      const socket = new WebSocket(`${fleet.url}/socket.io/?EIO=4&transport=websocket`, {
        localAddress,
        headers: says === undefined ? {} : { 'X-Forwarded-For': says },
      });
      sockets.push(socket);
      socket.on('error', () => undefined); // of a refusal whose answer was read
      const refused = once(socket, 'unexpected-response').then(([, response]) => {
        (response as { resume(): void }).resume();
        return (response as { statusCode: number }).statusCode;
      });
      return Promise.race([once(socket, 'open').then(() => 101), refused]);
    };
    const statuses: number[] = [];
    for (let count = 0; count < 2 * PER_ADDRESS + 2; count += 1) statuses.push(await answer('127.0.0.2'));
    expect(statuses.filter((status) => status === 101)).toHaveLength(2 * PER_ADDRESS);
    expect(statuses.slice(-2)).toEqual([429, 429]);
    expect(await answer('127.0.0.2', '203.0.113.9')).toBe(429);
    expect(await answer('127.0.0.3')).toBe(101);
    for (const socket of sockets) socket.terminate();
  });
});
