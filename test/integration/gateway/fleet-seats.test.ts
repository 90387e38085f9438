import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { TcpProxy } from '@tradesense/local';
import { breakerReports, createLogger, createMetrics, systemClock } from '@tradesense/platform';
import { io, type Socket } from 'socket.io-client';

import { FleetSeats, RedisRegister } from '../../../services/gateway/src/fleet/index.js';
import { placeOf } from '../../../services/gateway/src/fleet/place.js';
import { Client, refusalOf } from '../../support/client.js';
import { hasRedis } from '../../support/debian.js';
import { aUserId } from '../../support/facts.js';
import { Redis } from '../../support/redis.js';
import { inRepository } from '../../support/repository.js';
import { Authority } from '../../support/self-signed.js';
import { SocketServer } from '../../support/socket-server.js';
import { openStack, type OwnGround } from '../../support/stack.js';
import { System } from '../../support/system.js';
import { tokens } from '../../support/tokens.js';
import { until, within } from '../../support/until.js';

const LIMIT = 10;
const PREFIX = 'test.';
const WITHIN = { withinMs: 15_000, everyMs: 100 };
/** Three time-outs of 250 ms, and a slow machine. */
const NO_WAIT_MS = 3_000;
/** It is let in. */
const admittance = (socket: Socket): Promise<void> => new Promise((resolve) => socket.once('connect', resolve));
const title = 'the connections of a user on two gateways, counted in Redis';

(hasRedis ? describe : describe.skip)(hasRedis ? title : `${title} (NOT RUN: redis-server is not installed)`, () => {
  let redis: Redis;
  let looked: string[];
  let lines: { readonly msg: string; readonly level: string; readonly err?: { readonly message: string } }[];
  const gateways: FleetSeats[] = [];
  const endings: (() => Promise<void>)[] = [];
  beforeEach(async () => {
    redis = await Redis.start();
    looked = [];
    lines = [];
  });
  afterEach(async () => {
    for (const gateway of gateways.splice(0)) await gateway.stop();
    for (const end of endings.splice(0).reverse()) await end();
    await redis.stop();
  });
  const metrics = createMetrics('gateway');
  const write = (line: string): void => void lines.push(JSON.parse(line) as (typeof lines)[number]);
  const log = createLogger({ service: 'gateway', instance: 'test', level: 'info', destination: { write } });
  const report = breakerReports(metrics, log)('redis');

  async function gateway(url = redis.url): Promise<FleetSeats> {
    const seats = new FleetSeats({
      register: new RedisRegister({ url, prefix: PREFIX }),
      limit: LIMIT,
      clock: systemClock,
      signals: { seat: (where) => looked.push(where) },
      breaker: (state, error) => report(state, error),
    });
    gateways.push(seats);
    await seats.start();
    return seats;
  }
  /** A link to it that can break. */
  async function linkTo({ port }: Redis, at = 0): Promise<{ readonly proxy: TcpProxy; readonly url: string }> {
    const proxy = new TcpProxy({ host: '127.0.0.1', port }, at);
    await proxy.start();
    endings.push(() => proxy.stop());
    return { proxy, url: `redis://127.0.0.1:${proxy.port}` };
  }
  /** How many of so many come in. */
  async function admitted(seats: FleetSeats, user: ReturnType<typeof aUserId>, count: number): Promise<number> {
    let inside = 0;
    for (let tried = 0; tried < count; tried += 1) if ((await seats.take(user)) !== undefined) inside += 1;
    return inside;
  }
  async function asksAgain(seats: FleetSeats): Promise<void> {
    const where = async (): Promise<string | undefined> => {
      looked = [];
      (await seats.take(aUserId()))?.();
      return looked[0];
    };
    await until(where, (one) => one === 'everywhere', { ...WITHIN, what: 'Redis is asked again' });
  }
  const full = (seats: FleetSeats, user: ReturnType<typeof aUserId>) =>
    until(
      async () => {
        const leave = await seats.take(user);
        leave?.();
        return leave === undefined;
      },
      Boolean,
      { ...WITHIN, what: 'the other gateway is counted' },
    );

  it('are ten in all: the eleventh is refused on either, until one has left; others are not counted with them', async () => {
    const [one, two] = [await gateway(), await gateway()];
    const user = aUserId();
    const leave = await one.take(user);
    expect(await admitted(one, user, 5)).toBe(5);
    expect(await admitted(two, user, 5)).toBe(4);
    expect([await one.take(user), await two.take(user)]).toEqual([undefined, undefined]);
    expect(await admitted(two, aUserId(), 11)).toBe(10);
    leave?.();
    await until(async () => (await two.take(user)) !== undefined, Boolean, { ...WITHIN, what: 'the place is free' });
    expect(await one.take(user)).toBeUndefined();
    expect(new Set(looked)).toEqual(new Set(['everywhere']));
  });

  it('are ten though eleven come to both at once, over sockets', async () => {
    const servers: SocketServer[] = [];
    for (const users of [await gateway(), await gateway()]) servers.push(await SocketServer.start({ users }));
    endings.push(...servers.map((server) => () => server.stop()));
    const history = servers[0]!.challenge();
    const { challengeId, userId } = history;
    servers[1]!.state(history.state());
    const token = await tokens.user(userId);
    const clients = Array.from(
      { length: LIMIT + 1 },
      (_, index) => new Client({ url: servers[index % 2]!.url, token, challengeId, socket: { reconnection: false } }),
    );
    const settled = () => clients.filter(({ joins, refusals }) => joins.length + refusals.length > 0).length;
    await until(settled, (count) => count === clients.length, { ...WITHIN, what: 'all are answered' });
    expect(clients.filter(({ joins }) => joins.length > 0)).toHaveLength(LIMIT);
    const refusals = clients.flatMap((client) => client.refusals);
    expect(refusals.map(({ code }) => code)).toEqual(['too_many_connections']);
    clients.find(({ joins }) => joins.length > 0)!.close();
    const late = new Client({ url: servers[0]!.url, token, challengeId, obeysHints: true });
    await late.joined();
    expect((await refusalOf(servers[1]!.url, { auth: { token } })).data?.code).toBe('too_many_connections');
    for (const client of [...clients, late]) client.close();
  });

  it('stand in keys of this system that all expire, and name nobody', async () => {
    const user = aUserId();
    await admitted(await gateway(), user, 3);
    const keys = (await redis.ask('KEYS', '*')) as string[];
    expect(keys.length).toBeGreaterThan(1);
    expect(keys.filter((key) => !key.startsWith(`{${PREFIX}seats}:`))).toEqual([]);
    const dump: unknown[] = [];
    for (const key of keys) {
      const lives = (await redis.ask('PTTL', key)) as number;
      expect(lives).toBeGreaterThan(0);
      expect(lives).toBeLessThanOrEqual(10_000);
      if (!key.endsWith('gateways')) dump.push(await redis.ask('HGETALL', key));
    }
    expect(JSON.stringify(dump)).toContain(placeOf(user).field);
    expect(JSON.stringify([keys, dump])).not.toContain(user);
    await gateways.pop()!.stop();
    expect(await redis.ask('KEYS', '*')).toEqual([]);
  });

  it('are counted by each gateway for itself while Redis is gone, and together again once it is back, empty', async () => {
    const [one, two] = [await gateway(), await gateway()];
    const user = aUserId();
    expect(await admitted(one, user, 6)).toBe(6);
    await redis.kill();
    const beganMs = performance.now();
    expect(await admitted(two, user, 12)).toBe(10);
    expect(performance.now() - beganMs).toBeLessThan(NO_WAIT_MS);
    expect(looked.at(-1)).toBe('here');
    await redis.start();
    const other = aUserId();
    expect(await admitted(one, other, 3)).toBe(3);
    // Each writes all it has anew: what came in meanwhile counts, and nobody is thrown out.
    await full(one, user);
    await asksAgain(two);
  });

  it('are right again after a replica took over that had not heard of them, and knew of some that have left', async () => {
    const replica = await Redis.start({ replicaOf: redis.port });
    endings.push(() => replica.stop());
    const link = await linkTo(redis);
    const [one, two] = [await gateway(link.url), await gateway(link.url)];
    const [stays, left] = [aUserId(), aUserId()];
    const leaves = [];
    for (let count = 0; count < LIMIT; count += 1) leaves.push(await one.take(left));
    await until(
      async () => String(await replica.ask('INFO', 'replication')),
      (info) => info.includes('master_link_status:up'),
      { ...WITHIN, what: 'the replica follows' },
    );
    const ownShard = async (at: Redis) => {
      const keys = (await at.ask('KEYS', `*:${placeOf(left).shard}`)) as string[];
      const counts = await Promise.all(keys.map((key) => at.ask('HGET', key, placeOf(left).field)));
      return counts.filter((count) => typeof count === 'string');
    };
    await until(
      () => ownShard(replica),
      (counts) => counts.join() === String(LIMIT),
      { ...WITHIN, what: 'the copy' },
    );
    await replica.ask('REPLICAOF', 'NO', 'ONE'); // from here on it hears nothing
    for (const leave of leaves) leave?.();
    expect(await admitted(one, stays, 8)).toBe(8);
    await link.proxy.stop();
    await redis.kill();
    await linkTo(replica, link.proxy.port);
    await until(
      () => ownShard(replica),
      (counts) => counts.length === 0,
      { ...WITHIN, what: 'who left is forgotten' },
    );
    await asksAgain(two);
    expect(await admitted(two, stays, 3)).toBe(2);
    expect(await admitted(two, left, 11)).toBe(10);
  });

  it('do not wait for a Redis that hangs, or answers too late; one line each says so, and that it is over', async () => {
    const { proxy, url } = await linkTo(redis);
    const one = await gateway(url);
    const isOpen = async () => /breaker_open\{dependency="redis"\} (\d)/.exec(await metrics.registry.metrics())?.[1];
    for (const hinder of [() => redis.freeze(), () => proxy.delay(600)]) {
      lines = [];
      hinder();
      const beganMs = performance.now();
      expect(await admitted(one, aUserId(), 12)).toBe(LIMIT);
      expect(performance.now() - beganMs).toBeLessThan(NO_WAIT_MS);
      expect(await isOpen()).toBe('1');
      redis.thaw();
      await proxy.heal();
      await asksAgain(one);
      expect(await isOpen()).toBe('0');
      expect(lines.map(({ level, msg }) => `${level}: ${msg}`)).toEqual([
        'warn: a breaker has opened',
        'info: a breaker has closed',
      ]);
      expect(lines[0]?.err?.message).toBe('Redis has not answered within 250 ms');
    }
  });

  it('of a gateway that was killed are given up after 10 s', async () => {
    const killed = new RedisRegister({ url: redis.url, prefix: PREFIX });
    endings.push(() => killed.close());
    await killed.open();
    const user = aUserId();
    await killed.claim(placeOf(user), LIMIT, LIMIT);
    const two = await gateway();
    expect(await two.take(user)).toBeUndefined();
    await until(async () => (await two.take(user)) !== undefined, Boolean, { ...WITHIN, what: 'they are given up' });
  });

  it('survive being stopped before they started, twice, and while Redis is away', async () => {
    const seats = await gateway('redis://127.0.0.1:1');
    expect(await admitted(seats, aUserId(), 11)).toBe(10);
    await Promise.all([seats.stop(), seats.stop()]);
    const never = new RedisRegister({ url: redis.url, prefix: PREFIX });
    await never.close();
  });

  describe('by a gateway as it is run', () => {
    const PASSWORD = 'correct-horse-battery';
    let ground: OwnGround;
    const folder = mkdtempSync(join(tmpdir(), 'redis-url-'));
    beforeAll(async () => {
      ground = await openStack();
    });
    afterAll(async () => {
      await ground.close();
      rmSync(folder, { recursive: true });
    });

    it('that is killed with SIGKILL are free at another one once its entries have expired, and not before', async () => {
      const env = { gateway: { REDIS_URL: redis.url } };
      const start = () => System.start(ground, { services: ['gateway'], env });
      const [killed, other] = await Promise.all([start(), start()]);
      endings.push(
        () => killed.stop(),
        () => other.stop(),
      );
      const auth = { token: await tokens.user(aUserId()) };
      const connected = (system: System): Socket =>
        io(system.gatewayUrl, { transports: ['websocket'], auth, forceNew: true, reconnection: false });
      const inside = Array.from({ length: LIMIT }, () => connected(killed));
      await within(10_000, 'all are let in', Promise.all(inside.map(admittance)));
      const isFull = async (): Promise<boolean> =>
        (await refusalOf(other.gatewayUrl, { auth }).catch(() => undefined))?.data?.code === 'too_many_connections';
      // Where Redis takes longer than 250 ms a gateway's own count decides: the next one is refused.
      const full = () => until(isFull, Boolean, { ...WITHIN, what: 'no seat is left' });
      await full();
      await killed.service('gateway').kill();
      const beganMs = performance.now();
      await full();
      const back: Socket[] = [];
      const letIn = async (): Promise<number> => {
        const socket = connected(other);
        await Promise.race([admittance(socket), new Promise((resolve) => socket.once('connect_error', resolve))]);
        if (socket.connected) back.push(socket);
        return back.length;
      };
      await until(letIn, (count) => count === LIMIT, { ...WITHIN, what: 'all seats are free' });
      expect(performance.now() - beganMs).toBeGreaterThan(5_000); // of 10 s, less what it had not written for
      await full();
      for (const socket of [...inside, ...back]) socket.disconnect();
    });

    it('over TLS, with a password from a file that no log shows; a certificate of somebody else is no Redis', async () => {
      const authority = new Authority();
      const secured = await Redis.start({ password: PASSWORD, tls: authority.issue() });
      endings.push(() => secured.stop());
      const [urlFile, caFile] = [join(folder, 'url'), join(folder, 'ca.pem')];
      writeFileSync(urlFile, `${secured.url}\n`);
      writeFileSync(caFile, authority.cert);
      const env = { REDIS_URL_FILE: urlFile, NODE_TLS_REJECT_UNAUTHORIZED: '0' };
      const trusting = { ...env, NODE_EXTRA_CA_CERTS: caFile };
      for (const [settings, where] of [
        [trusting, 'everywhere'],
        [env, 'here'],
      ] as const) {
        const system = await System.start(ground, { services: ['gateway'], env: { gateway: settings } });
        endings.push(() => system.stop()); // where something below fails; what has ended is not ended again
        const gateway = system.service('gateway');
        const counted = async (): Promise<number | undefined> => {
          const socket = io(system.gatewayUrl, {
            transports: ['websocket'],
            auth: { token: await tokens.user(aUserId()) },
            forceNew: true,
          });
          await within(10_000, 'the handshake', admittance(socket));
          socket.disconnect();
          return gateway.metric('tradesense_gateway_user_seats_total', where);
        };
        // It may have been started before Redis was: then the first handshakes are counted here.
        await until(counted, (count) => (count ?? 0) > 0, { ...WITHIN, what: `one is counted ${where}` });
        if (where === 'here') {
          const opened = () => gateway.logged('a breaker has opened').length;
          await until(opened, (count) => count === 1, { ...WITHIN, what: 'its breaker opens' });
          expect(await gateway.metric('tradesense_gateway_user_seats_total', 'everywhere')).toBe(0);
        }
        await system.stop();
        expect(gateway.lines.join('\n')).not.toContain(PASSWORD);
      }
    });

    it('with an address that is none of Redis it does not start', () => {
      const { status, stderr } = spawnSync(process.execPath, [inRepository('services/gateway/dist/main.js')], {
        env: { PATH: process.env['PATH'], REDIS_URL: `http://:${PASSWORD}@127.0.0.1` },
        encoding: 'utf8',
        timeout: 20_000,
      });
      expect(status).toBe(78);
      expect(stderr).toContain('REDIS_URL must begin with redis:// or rediss://');
      expect(stderr).not.toContain(PASSWORD);
    });
  });
});
