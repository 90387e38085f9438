import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';

import type { TopicSpec } from '@tradesense/contracts';
import type { JWTPayload } from 'jose';
import { io, type ManagerOptions, type SocketOptions } from 'socket.io-client';
import pg from 'pg';

import { Client } from '../support/client.js';
import { given } from '../support/given.js';
import { RawSocket } from '../support/raw-socket.js';
import { openStack, type OwnGround } from '../support/stack.js';
import { System, type ServiceName } from '../support/system.js';
import { JWT_SECRET, tokens } from '../support/tokens.js';
import { eachRecord } from '../support/topic-log.js';
import { until, within } from '../support/until.js';

const SERVICES: readonly ServiceName[] = ['trade', 'relay', 'gateway'];

/** What must not be found of a token: all of one that is no JWT, and of a JWT its claims and its signature. */
const tracesOf = (token: string): readonly string[] => {
  const [, ...parts] = token.split('.');
  return parts.length === 2 ? parts.filter((part) => part !== '') : [token];
};

/** Every way of giving a token, good and bad, to every service; then every place is searched that keeps something (pitfall T6). */
describe('no token that was used', () => {
  const used = new Set<string>();
  /** What each place holds. */
  const places = new Map<string, string>();
  const userId = given.userId();
  let ground: OwnGround;
  let system: System;
  let challengeId: string;

  const use = async (made: string | Promise<string>): Promise<string> => {
    const token = await made;
    used.add(token);
    return token;
  };
  const opaque = (): string => `opaque-${randomBytes(24).toString('hex')}`;
  /** Of each kind one (pitfall T1). */
  const bad = (): Promise<readonly string[]> =>
    Promise.all(
      [
        opaque(),
        tokens.expired(userId),
        tokens.forged(userId),
        tokens.unsigned(userId),
        tokens.user(userId, { alg: 'HS512' }),
        tokens.user(userId, { livesS: 100 * 365 * 86_400 }),
        ...[{ aud: 'other' }, { iss: 'other' }, { exp: undefined }, { exp: 'tomorrow' }, { iat: undefined }].map(
          (claims) => tokens.user(userId, { claims: claims as JWTPayload }),
        ),
        tokens.user(userId, { claims: { padding: 'x'.repeat(9_000) } }),
      ].map(use),
    );
  const good = (): Promise<string> => use(tokens.user(userId, { claims: { jti: randomBytes(8).toString('hex') } }));
  const heard: string[] = [];

  beforeAll(async () => {
    ground = await openStack();
    const trace = { LOG_LEVEL: 'trace' };
    const gateway = { ...trace, MAX_CONNECTIONS_PER_ADDRESS: '0' };
    system = await System.start(ground, { env: { trade: trace, relay: trace, gateway } });
    challengeId = (await system.api.open({ user_id: userId })).challenge_id;
    await giveToGateway();
    await giveToHttp();
    await collect();
  });
  afterAll(async () => {
    await system?.stop();
    await ground?.close();
  });

  /** One handshake; its outcome. */
  async function shakeHands(options: Partial<ManagerOptions & SocketOptions>): Promise<'in' | 'refused'> {
    const socket = io(system.gatewayUrl, { forceNew: true, reconnection: false, ...options });
    socket.onAny((...args: unknown[]) => heard.push(JSON.stringify(args)));
    try {
      return await within(
        15_000,
        'a handshake is answered',
        new Promise((resolve) => {
          socket.once('connect', () => resolve('in'));
          socket.once('connect_error', (error) => {
            heard.push(JSON.stringify([error.message, (error as { data?: unknown }).data]));
            resolve('refused');
          });
        }),
      );
    } finally {
      socket.disconnect();
    }
  }

  const waysOf = (token: string): readonly Partial<ManagerOptions & SocketOptions>[] =>
    [['websocket'], ['polling']].flatMap((transports) => [
      { transports, auth: { token } },
      { transports, query: { token } },
      { transports, extraHeaders: { authorization: `Bearer ${token}`, cookie: `session=${token}` } },
    ]);

  async function giveToGateway(): Promise<void> {
    for (const way of waysOf(await good())) expect(await shakeHands(way)).toBe('in');
    for (const token of [...(await bad()), await use(tokens.service())])
      for (const way of waysOf(token)) expect(await shakeHands(way)).toBe('refused');
    expect(await shakeHands({ query: { token: await good() }, extraHeaders: { origin: 'null' } })).toBe('refused');
    await refresh();
    await misuse();
  }

  async function refresh(): Promise<void> {
    const client = new Client({
      url: system.gatewayUrl,
      token: await good(),
      challengeId,
      socket: { transports: ['polling', 'websocket'], query: { token: await good() }, reconnection: false },
    });
    await client.joined();
    await until(() => client.socket.io.engine.transport.name === 'websocket');
    client.socket.onAny((...args: unknown[]) => heard.push(JSON.stringify(args)));
    const others = await use(tokens.user(given.userId()));
    for (const token of [await good(), ...(await bad()).filter((one) => one.length < 8_000), others]) {
      const answer = (await client.socket.timeout(10_000).emitWithAck('refresh_token', { token })) as { code?: string };
      heard.push(JSON.stringify(answer));
      if (answer.code === 'forbidden') break; // the connection ends with it
      client.socket.emit('refresh_token', { token }); // answered by `error`
    }
    client.close();
  }

  /** Tokens where none belongs. */
  async function misuse(): Promise<void> {
    const raw = await RawSocket.open(system.gatewayUrl, await good());
    raw.send(`421["join_challenge",{"challenge_id":"${await good()}","cursor":"${await good()}"}]`);
    raw.send(`422["${await good()}",{"token":"${await good()}"}]`);
    raw.send(`42["leave_challenge","${await good()}"]`);
    await raw.hears((text) => text.startsWith('432['));
    raw.send(`42["x","${await good()}",`); // no JSON
    await until(() => raw.closed !== undefined);
    heard.push(...raw.heard);
    const elsewhere = await RawSocket.open(system.gatewayUrl);
    elsewhere.send(`40/${await good()},{"token":"${await good()}"}`);
    await until(() => elsewhere.closed !== undefined);
    const tooBig = await RawSocket.open(system.gatewayUrl, await good());
    tooBig.send(`42["refresh_token",{"token":"${await use(opaque())}${'x'.repeat(20_000)}"}]`);
    await until(() => tooBig.closed !== undefined);
    for (const head of [
      `GET /socket.io/?token=${await good()} HTTP/9.9`,
      `GET /nothing?token=${await good()} HTTP/1.1`,
    ]) {
      const socket = connect(system.gatewayPort, '127.0.0.1', () =>
        socket.write(`${head}\r\nHost: x\r\nConnection: close\r\n\r\n`),
      );
      socket.on('data', (data) => heard.push(String(data)));
      await once(socket, 'close');
    }
  }

  async function giveToHttp(): Promise<void> {
    const admin = (name: ServiceName): string => `http://127.0.0.1:${system.service(name).adminPort}`;
    const urls = [
      `${system.tradeUrl}/v1/challenges/${challengeId}`,
      `${system.tradeUrl}/nothing`,
      ...SERVICES.flatMap((name) => [`${admin(name)}/metrics`, `${admin(name)}/admin/v1/dead-letters`]),
    ];
    const operator = await use(tokens.operator('anna'));
    const refused = await bad();
    for (const url of urls)
      for (const token of [await good(), operator, ...refused]) {
        await ask(url, { headers: { authorization: `Bearer ${token}` } });
        await ask(`${url}?token=${token}`);
      }
    for (const token of refused)
      expect(await ask(urls[0] as string, { headers: { authorization: `Bearer ${token}` } })).toBe(401);
    const service = await use(tokens.service());
    const post = (path: string, body: unknown): Promise<number> =>
      ask(`${system.tradeUrl}${path}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${service}`, 'content-type': 'application/json' },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      });
    await post('/v1/challenges', { ...given.challenge(), token: await good() });
    await post('/v1/challenges', `{"token":"${await good()}"`);
    await post(`/v1/challenges/${challengeId}/trades`, { ...given.trade(), symbol: { token: await good() } });
    await post(`/v1/challenges/${challengeId}/trades`, given.trade());
  }

  /** The status of the answer, which is searched as well. */
  async function ask(url: string, init: RequestInit = {}): Promise<number> {
    const answer = await fetch(url, { ...init, signal: AbortSignal.timeout(15_000) });
    heard.push(JSON.stringify([...answer.headers]) + (await answer.text()));
    return answer.status;
  }

  async function collect(): Promise<void> {
    const { events } = ground.topics;
    await until(async () => (await recordsOf(events)) !== '', Boolean, {
      withinMs: 20_000,
      what: 'the trade is relayed',
    });
    for (const [name, spec] of Object.entries(ground.topics) as [string, TopicSpec][])
      places.set(`the topic of ${name}`, await recordsOf(spec));
    await database();
    for (const name of SERVICES) {
      const service = system.service(name);
      places.set(`the metrics of ${name}`, await service.metrics());
      places.set(`the readiness of ${name}`, (await service.readiness()).body);
      places.set(`the log of ${name}`, service.lines.join('\n'));
    }
    places.set('what callers were answered', heard.join('\n'));
  }

  async function recordsOf(spec: TopicSpec): Promise<string> {
    const records: string[] = [];
    await eachRecord(ground.brokers, spec, ({ key, value, headers }) =>
      records.push([key, value, ...[...headers].flat()].map(String).join(' ')),
    );
    return records.join('\n');
  }

  async function database(): Promise<void> {
    const client = new pg.Client({ connectionString: ground.databaseUrl('postgres') });
    await client.connect();
    try {
      const { rows: tables } = await client.query<{ name: string }>(
        `select format('%I.%I', schemaname, tablename) as name from pg_tables
         where schemaname not in ('pg_catalog', 'information_schema')`,
      );
      for (const { name } of tables) {
        const { rows } = await client.query<{ line: string }>(`select t::text as line from ${name} t`);
        places.set(`the table ${name}`, rows.map(({ line }) => line).join('\n'));
      }
    } finally {
      await client.end();
    }
  }

  const placesWith = (text: string): readonly string[] =>
    [...places].filter(([, content]) => content.includes(text)).map(([place]) => place);

  it('is in any log, metric, topic, table or answer; nor is the key they are signed with', () => {
    expect(used.size).toBeGreaterThan(40);
    const found = [JWT_SECRET, ...[...used].flatMap(tracesOf)].flatMap(placesWith);
    expect(found).toEqual([]);
  });

  it('would be missed by this search: what is everywhere was found', async () => {
    expect(placesWith(challengeId)).toEqual(
      expect.arrayContaining(['the topic of events', 'the topic of state', 'what callers were answered']),
    );
    expect(placesWith(challengeId).some((place) => /table public\.\W?challenge/.test(place))).toBe(true);
    for (const name of SERVICES) expect(placesWith(`tradesense_${name}_`)).toContain(`the metrics of ${name}`);
    for (const name of SERVICES) expect(places.get(`the log of ${name}`)).toContain('listening');
    expect(
      await system.service('gateway').metric('tradesense_gateway_handshakes_total', 'unauthorized'),
    ).toBeGreaterThan(20);
  });
});
