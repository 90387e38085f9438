import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

import { freePort } from '@tradesense/local';

import { Client, refusalOf } from '../../support/client.js';
import { History, recordOf, aUserId } from '../../support/facts.js';
import { Feed } from '../../support/feed.js';
import { ServiceProcess } from '../../support/processes.js';
import { openStack, type OwnGround } from '../../support/stack.js';
import { System } from '../../support/system.js';
import { JWT_SECRET, tokens } from '../../support/tokens.js';
import { until, within } from '../../support/until.js';

const STALE_MS = 1_500;

describe('the gateway process, on real Kafka', () => {
  let ground: OwnGround;
  let feed: Feed;
  let system: System;
  const clients: Client[] = [];

  beforeAll(async () => {
    ground = await openStack();
    feed = new Feed(ground);
    feed.startWatermarks();
    system = await System.start(ground, { services: ['gateway'], env: { gateway: { STALE_MS: String(STALE_MS) } } });
  });
  afterEach(() => {
    for (const client of clients.splice(0)) client.close();
  });
  afterAll(async () => {
    await system.stop();
    await feed.close();
    await ground.close();
    expect(system.tokensLogged()).toEqual([]);
  });

  async function clientOf({ userId, challengeId }: History, more: object = {}): Promise<Client> {
    const client = new Client({ url: system.gatewayUrl, token: await tokens.user(userId), challengeId, ...more });
    clients.push(client);
    return client;
  }
  async function opened(): Promise<History> {
    const history = new History();
    await feed.publish(history.state());
    return history;
  }
  const metric = async (name: string): Promise<number> => {
    const line = (await system.service('gateway').metrics()).split('\n').find((one) => one.startsWith(`${name} `));
    return Number(line?.split(' ').at(-1) ?? NaN);
  };

  it('carries events from the topic to their room, over WebSocket and polling', async () => {
    const history = await opened();
    const both = [await clientOf(history), await clientOf(history, { socket: { transports: ['polling'] } })];
    for (const client of both) await client.joined();
    for (let count = 0; count < 5; count += 1) await feed.trade(history, 3);
    for (const client of both) {
      await client.reached(15);
      expect(client.handled.map(({ sequence }) => sequence)).toEqual(
        Array.from({ length: 15 }, (_, index) => index + 1),
      );
      await until(() => client.isLive); // by the first watermark after the start, which may come later
    }
  });

  it('lets a challenge be joined that arrives a moment later', async () => {
    const history = new History();
    const client = await clientOf(history);
    await until(() => client.socket.connected);
    await delay(300); // the join is waiting by now, or will find it
    await feed.publish(history.state());
    expect(await client.joined(2_500)).toMatchObject({ sequence: 0 });
    expect(client.errors).toEqual([]);
  });

  it('drops repeats, as after a take-over of the relay, and counts them', async () => {
    const history = await opened();
    const client = await clientOf(history);
    await client.joined();
    const facts = [history.equity(), history.alert(), history.equity()];
    await feed.publish(...facts, ...facts);
    await feed.trade(history);
    await client.reached(4);
    expect(client.received.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4]);
    expect(await metric('tradesense_gateway_duplicates_total')).toBeGreaterThanOrEqual(3);
  });

  it('says stale once watermarks stop, with the time it knows, and live again by the next; the socket stays (case C9)', async () => {
    const history = await opened();
    const client = await clientOf(history);
    await client.joined();
    await until(() => client.isLive, Boolean, { what: 'live' });
    feed.stopWatermarks();
    await until(
      () => client.freshness.at(-1),
      (last) => last?.state === 'stale',
      { withinMs: STALE_MS + 2_000 },
    );
    expect(client.freshness.at(-1)).toMatchObject({
      reason: 'watermark_old',
      as_of: expect.stringMatching(/^2\d{3}-/),
    });
    feed.startWatermarks();
    await until(() => client.isLive, Boolean, { what: 'live again' });
    expect(client.joins).toHaveLength(1);
    expect(client.socket.connected).toBe(true);
  });

  it('killed in mid-stream and started again: whoever comes back by cursor has every event once, none bridged', async () => {
    const histories = await Promise.all(Array.from({ length: 5 }, () => opened()));
    const all = await Promise.all(histories.map((history) => clientOf(history)));
    await Promise.all(all.map((client) => client.joined()));
    let isTrading = true;
    const trading = (async () => {
      while (isTrading) {
        for (const history of histories) await feed.trade(history);
        await delay(10);
      }
    })();
    await until(() => all.every(({ cursor }) => (cursor?.sequence ?? 0) >= 10));
    await system.service('gateway').kill();
    await delay(300); // trades go on meanwhile
    await system.start('gateway');
    await until(() => all.every(({ joins }) => joins.length >= 2), Boolean, { withinMs: 15_000, what: 'all are back' });
    isTrading = false;
    await trading;
    for (const [index, client] of all.entries()) {
      const last = histories[index]!.cursor.sequence;
      await client.reached(last);
      // How it came back first: one that was given a snapshot has not handled what the snapshot stands for.
      expect(client.joins.at(-1)).toMatchObject({ recovered: true });
      expect([client.bridged, client.duplicates, client.gaps, client.snapshots]).toEqual([0, [], [], []]);
      expect(client.handled.map(({ sequence }) => sequence)).toEqual(Array.from({ length: last }, (_, at) => at + 1));
    }
  });

  it.each([
    ['without a token', async () => ({}), 'unauthorized'],
    ['with an expired token', async () => ({ token: await tokens.expired('t') }), 'token_expired'],
    ['with a forged token', async () => ({ token: await tokens.forged('t') }), 'unauthorized'],
    ['with alg none', () => Promise.resolve({ token: tokens.unsigned('t') }), 'unauthorized'],
    ['of another issuer', async () => ({ token: await tokens.user('t', { claims: { iss: 'x' } }) }), 'unauthorized'],
    ['for another audience', async () => ({ token: await tokens.user('t', { claims: { aud: 'x' } }) }), 'unauthorized'],
    ['of a service', async () => ({ token: await tokens.service() }), 'unauthorized'],
  ])('refuses a handshake %s', async (_, auth, code) => {
    expect((await refusalOf(system.gatewayUrl, { auth: await auth() })).data?.code).toBe(code);
  });

  it("refuses another user's challenge like one that does not exist", async () => {
    const history = await opened();
    const stranger = aUserId();
    const refused = [
      await clientOf({ ...history, challengeId: history.challengeId, userId: stranger } as History),
      await clientOf({ challengeId: new History().challengeId, userId: stranger } as History),
    ];
    for (const { errors } of refused)
      await until(
        () => errors,
        (list) => list.length > 0,
      );
    const [foreign, unknown] = refused.map(({ errors }) => ({ ...errors[0], challenge_id: undefined }));
    expect(foreign).toEqual(unknown);
    expect(foreign).toMatchObject({ code: 'forbidden', message: 'Access denied' });
  });

  it('waits 5 s for a request that does not come, or stops half-way, then closes', async () => {
    const beganMs = performance.now();
    const all = ['', 'GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\n'].map((half) => {
      const socket = connect(system.gatewayPort, '127.0.0.1', () => socket.write(half));
      socket.on('error', () => undefined).resume();
      return within(12_000, 'a close', once(socket, 'close'));
    });
    await Promise.all(all);
    expect(performance.now() - beganMs).toBeGreaterThan(4_900);
  });

  it('answers everything that is not a socket with a problem document', async () => {
    for (const path of ['/', '/nothing', '/%zz', '/socket.io']) {
      const answer = await fetch(system.gatewayUrl.replace('ws:', 'http:') + path);
      expect(answer.status).toBe(404);
      expect(answer.headers.get('content-type')).toContain('application/problem+json');
    }
  });

  it('ends in order when asked to, and tells its clients; who comes back continues by cursor', async () => {
    const history = await opened();
    const client = await clientOf(history, { socket: { reconnection: false } });
    await client.joined();
    const gateway = system.service('gateway');
    expect((await gateway.readiness()).status).toBe(200);
    const isGoing = new Promise((resolve) => client.socket.once('going_away', resolve));
    expect(await gateway.stop()).toMatchObject({ code: 0 });
    expect(await isGoing).toEqual({ reconnect_in_ms: expect.any(Number) });
    await feed.trade(history, 3);
    await system.start('gateway');
    const back = await clientOf(history, { cursor: client.cursor });
    expect(await back.joined()).toMatchObject({ recovered: true });
    await back.reached(3);
    expect(back.handled).toHaveLength(3);
  });
});

// On its own ground: for a minute after a loss a new challenge of that partition may be given a snapshot that it did not need.
describe('a gateway that meets records it cannot pass on', () => {
  let ground: OwnGround;
  let feed: Feed;
  let system: System;
  let client: Client;

  beforeAll(async () => {
    ground = await openStack();
    feed = new Feed(ground);
    feed.startWatermarks();
    system = await System.start(ground, { services: ['gateway'] });
  });
  afterAll(async () => {
    client?.close();
    await system?.stop();
    await feed?.close();
    await ground?.close();
  });

  it('never sends what is not JSON or lacks a header: it is a gap, and the state takes its place', async () => {
    const history = new History();
    await feed.publish(history.state());
    const { userId, challengeId } = history;
    client = new Client({ url: system.gatewayUrl, token: await tokens.user(userId), challengeId });
    await client.joined();
    const { events } = feed.topics;
    await feed.trade(history);
    await client.reached(1);
    const poison = { ...recordOf(history.equity()), value: Buffer.from('{"oops":') };
    const { ce_seq: _left, ...headers } = recordOf(history.equity()).headers as Record<string, string>;
    await feed.send(events.name, [
      poison,
      { ...recordOf(history.equity()), headers },
      { key: null, value: Buffer.from('x'), headers: {} },
    ]);
    await feed.publish(history.state());
    await client.reached(4);
    expect(client.snapshots).toEqual([expect.objectContaining({ sequence: 4, reason: 'gap' })]);
    await feed.trade(history);
    await client.reached(5);
    expect(client.gaps).toEqual([]);
    expect(client.joins).toHaveLength(1);
  });
});

describe('a gateway whose Kafka is away', () => {
  it('waits, red, says for what, lets nobody in, and still ends in order', async () => {
    const gateway = await ServiceProcess.start({
      name: 'gateway',
      entry: 'services/gateway/dist/main.js',
      env: {
        KAFKA_BROKERS: `127.0.0.1:${await freePort()}`,
        ALLOWED_ORIGINS: 'https://ours.example',
        JWT_SECRET,
        GATEWAY_PORT: '0',
        ADMIN_PORT: '0',
      },
    });
    try {
      const { status, body } = await until(
        () => gateway.readiness(),
        () => gateway.logged('the ends of a topic are awaited').length > 0,
      );
      expect(status).toBe(503);
      expect(JSON.parse(body)).toMatchObject({
        ok: false,
        checks: { intake: { ok: false, detail: expect.any(String) } },
      });
      expect(gateway.logged('listening')).toEqual([]);
    } finally {
      expect(await gateway.stop()).toMatchObject({ code: 0 });
    }
  });
});
