import { connect } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

import type { Answer } from '@tradesense/contracts';
import { systemClock, type Clock } from '@tradesense/platform';
import { io } from 'socket.io-client';
import { WebSocket } from 'ws';

import { TrustedProxies, localUserSeats } from '../../../services/gateway/src/access/index.js';
import { Client, refusalOf } from '../../support/client.js';
import { aUserId, type History } from '../../support/facts.js';
import { RawSocket } from '../../support/raw-socket.js';
import { SocketServer, hurried, still } from '../../support/socket-server.js';
import { tokens, type TokenOptions } from '../../support/tokens.js';
import { until, within } from '../../support/until.js';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

let server: SocketServer;
const clients: { close(): void }[] = [];
const WEBSOCKET = '/socket.io/?EIO=4&transport=websocket';
const POLLING = '/socket.io/?EIO=4&transport=polling';

async function start(options?: Parameters<typeof SocketServer.start>[0]): Promise<void> {
  server = await SocketServer.start(options);
}
afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await server.stop();
});

async function clientOf({ userId, challengeId }: History, more: object = {}): Promise<Client> {
  const client = new Client({ url: server.url, token: await tokens.user(userId), challengeId, ...more });
  clients.push(client);
  return client;
}
async function rawOf(userId: string = aUserId()): Promise<RawSocket> {
  const raw = await RawSocket.open(server.url, await tokens.user(userId));
  clients.push({ close: () => raw.end() });
  return raw;
}
/** An engine connection that says nothing. */
async function silentOf(): Promise<RawSocket> {
  const raw = await RawSocket.open(server.url);
  clients.push({ close: () => raw.end() });
  return raw;
}
const closing = (raw: RawSocket): Promise<unknown> =>
  until(
    () => raw.closed,
    (code) => code !== undefined,
    { what: 'a close' },
  );
const counted = (what: string, times: number): Promise<number> =>
  until(
    () => server.counted(what),
    (count) => count === times,
    { what },
  );

/** The head of the answer to an upgrade; the connection stays open for the test. */
function upgrade(headers = '', path = WEBSOCKET): Promise<string> {
  const answered = new Promise<string>((resolve, reject) => {
    const socket = connect(server.port, '127.0.0.1', () =>
      socket.write(
        `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n` +
          `Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n${headers}\r\n`,
      ),
    );
    clients.push({ close: () => socket.destroy() });
    socket.once('data', (data) => resolve(String(data).split('\r\n\r\n', 1)[0] ?? ''));
    socket.on('error', reject);
  });
  return within(5_000, 'an answer', answered);
}

describe('the door', () => {
  it('asks for an empty sid what it asks for none: engine.io takes it as a new connection', async () => {
    await start({ maxConnectionsPerAddress: 1 });
    expect(await upgrade('', `${WEBSOCKET}&sid=`)).toContain('101');
    expect(await upgrade('', `${WEBSOCKET}&sid=`)).toContain('429');
    expect((await fetch(`http://127.0.0.1:${server.port}${POLLING}&sid=`)).status).toBe(429);
    server.connections.door.close();
    expect(await upgrade('', `${WEBSOCKET}&sid=`)).toContain('503');
  });

  it('counts whom a trusted proxy names, whatever the client has written before it', async () => {
    await start({ maxConnectionsPerAddress: 1, proxies: new TrustedProxies(['127.0.0.1'], 'x-forwarded-for') });
    const from = (chain: string): Promise<string> => upgrade(`X-Forwarded-For: ${chain}\r\n`);
    expect(await from('203.0.113.1')).toContain('101');
    expect(await from('203.0.113.2')).toContain('101');
    expect(await from('203.0.113.1')).toContain('429');
    expect(await from('198.51.100.9, 203.0.113.1')).toContain('429');
    expect(await from('198.51.100.9\r\nX-Forwarded-For: 203.0.113.1')).toContain('429');
    expect(await from('2001:db8:1:2::1')).toContain('101');
    expect(await from('2001:db8:1:2:ffff::2')).toContain('429'); // the same /64
    expect(await upgrade()).toContain('101'); // the proxy itself
    expect(await from('nonsense')).toContain('429');
  });

  it('believes nobody else', async () => {
    await start({ maxConnectionsPerAddress: 1, proxies: new TrustedProxies(['10.0.0.0/8'], 'x-forwarded-for') });
    expect(await upgrade('X-Forwarded-For: 203.0.113.1\r\n')).toContain('101');
    expect(await upgrade('X-Forwarded-For: 203.0.113.2\r\nForwarded: for=203.0.113.3\r\n')).toContain('429');
  });

  it('keeps no connection of whom it refuses, says when to come again, and counts each by its reason', async () => {
    await start({ maxConnections: 2, maxConnectionsPerAddress: 1 });
    await silentOf();
    const url = `http://127.0.0.1:${server.port}`;
    const refused = await upgrade();
    expect(refused).toContain('429');
    expect(refused).toContain('retry-after: 5');
    expect(refused).toContain('connection: close');
    const polling = await fetch(url + POLLING);
    expect([polling.status, polling.headers.get('connection')]).toEqual([429, 'close']);
    expect(await polling.json()).toEqual({ code: 'too_many_connections', message: 'Too many connections' });
    expect((await fetch(url + POLLING, { headers: { origin: 'https://evil.example' } })).status).toBe(403);
    expect((await fetch(`${url}${POLLING}&sid=none`)).status).toBe(400);
    server.connections.door.close();
    expect((await fetch(url + POLLING)).status).toBe(503);
    expect(Object.fromEntries([...server.counts].filter(([what]) => what.startsWith('turned away')))).toEqual({
      'turned away per_address': 2,
      'turned away origin': 1,
      'turned away protocol': 1,
      'turned away draining': 1,
    });
  });

  it('refuses 300 silent upgrades beyond the limit of 100, and is empty 6 s later (S8)', async () => {
    await start({ maxConnectionsPerAddress: 100 });
    const answers = await Promise.all(Array.from({ length: 300 }, () => upgrade()));
    expect(answers.filter((answer) => answer.includes('101'))).toHaveLength(100);
    expect(answers.filter((answer) => answer.includes('429'))).toHaveLength(200);
    const kept = server.connections.all.map((connection) => new WeakRef(connection));
    expect(kept).toHaveLength(100);
    await until(() => server.connections.size === 0, Boolean, { withinMs: 12_000 });
    expect(server.counted('ended silent')).toBe(100);
    const inMemory = (): number => {
      collectGarbage();
      return kept.filter((reference) => reference.deref() !== undefined).length;
    };
    await until(inMemory, (count) => count === 0, { everyMs: 200, what: 'all of them are collected' });
    const again = await Promise.all(Array.from({ length: 101 }, () => upgrade()));
    expect(again.filter((answer) => answer.includes('101'))).toHaveLength(100); // every seat was given back
  });
});

describe('whoever sends too much', () => {
  it.each([
    ['engine packets of no meaning', '6'],
    ['acknowledgements of nothing', '4399[]'],
  ])('is told to stop and closed: %s', async (_what, packet) => {
    await start();
    const raw = await rawOf();
    for (let count = 0; count < 150; count += 1) raw.send(packet);
    await closing(raw);
    expect(server.counted('ended rate_limited')).toBe(1);
  });

  it('is closed for pings of the WebSocket too, which are answered below socket.io', async () => {
    await start();
    const socket = new WebSocket(server.url + WEBSOCKET);
    clients.push({ close: () => socket.terminate() });
    await within(5_000, 'it opens', new Promise((resolve) => socket.once('open', resolve)));
    for (let count = 0; count < 150; count += 1) socket.ping(Buffer.alloc(125));
    await counted('ended rate_limited', 1);
  });

  it('is closed for bytes in few packets', async () => {
    await start();
    const raw = await rawOf();
    for (let count = 0; count < 10; count += 1) raw.send(`42["leave_challenge",{"x":"${'x'.repeat(15_000)}"}]`);
    await closing(raw);
    expect(server.counted('ended too_many_bytes')).toBe(1);
    expect(raw.heard.some((text) => text.includes('"rate_limited"'))).toBe(true);
  });

  it('is not he who answers pings: pongs are counted apart', async () => {
    await start({ packetsPerSecond: 1, bytesPerSecond: 100 });
    const history = server.challenge();
    const raw = await rawOf(history.userId);
    raw.send(`42["join_challenge",{"challenge_id":"${history.challengeId}"}]`);
    await raw.hears((text) => text.startsWith('42["joined_challenge"'));
    for (let round = 0; round < 40; round += 1) {
      server.trade(history, 100); // 56 KB: a ping or two
      const last = new RegExp(`"sequence":${history.cursor.sequence}\\b`);
      await until(() => last.test(raw.heard.at(-1) ?? '') || raw.closed !== undefined);
    }
    expect(raw.closed).toBeUndefined();
  });

  it('may, where the limits are off', async () => {
    await start({ packetsPerSecond: 0, bytesPerSecond: 0 });
    const raw = await rawOf();
    for (let count = 0; count < 500; count += 1) raw.send(`42["leave_challenge",{"x":"${'x'.repeat(2_000)}"}]`);
    await counted('leave_challenge invalid_request', 500);
    expect(raw.closed).toBeUndefined();
  });

  it.each([
    [16 * 1024 - 1, true],
    [16 * 1024, true],
    [16 * 1024 + 1, false],
    [20 * 1024, false],
  ])('of a message of %i bytes is heard: %s (S17)', async (bytes, isHeard) => {
    await start();
    const raw = await rawOf();
    const [head, tail] = ['421["leave_challenge",{"x":"', '"}]'];
    raw.send(head + 'x'.repeat(bytes - head.length - tail.length) + tail);
    if (isHeard) await raw.hears((text) => text.startsWith('431['));
    else await closing(raw);
    expect(server.counted('ended message_too_big')).toBe(isHeard ? 0 : 1);
  });

  it('is closed over polling as well (S17)', async () => {
    await start();
    const socket = io(server.url, {
      transports: ['polling'],
      auth: { token: await tokens.user(aUserId()) },
      reconnection: false,
    });
    clients.push({ close: () => socket.disconnect() });
    await within(5_000, 'it connects', new Promise<void>((resolve) => socket.once('connect', resolve)));
    const body = `42["leave_challenge",{"x":"${'x'.repeat(20 * 1024)}"}]`;
    const sid = (socket.io.engine as unknown as { id: string }).id;
    const answer = await fetch(`http://127.0.0.1:${server.port}${POLLING}&sid=${sid}`, { method: 'POST', body });
    expect(answer.status).toBe(413);
    await counted('ended message_too_big', 1);
    expect(server.connections.size).toBe(0);
  });

  it.each([
    [1, 2],
    [0, undefined],
  ])('of rooms, at a limit of %i, is refused from which on: %s', async (maxRooms, refusedFrom) => {
    await start({ maxRooms });
    const userId = aUserId();
    const raw = await rawOf(userId);
    for (let id = 1; id <= 60; id += 1) {
      const history = server.challenge();
      history.userId = userId;
      server.event(history.equity()); // changes hands
      raw.send(`42${id}["join_challenge",{"challenge_id":"${history.challengeId}"}]`);
    }
    await until(() => raw.heard.filter((text) => text.startsWith('43')).length === 60);
    const refused = raw.heard.flatMap((text) => /^43(\d+)\[.*"too_many_rooms"/.exec(text)?.[1] ?? []).map(Number);
    expect(Math.min(...refused, Infinity)).toBe(refusedFrom ?? Infinity);
  });
});

describe('before a token', () => {
  it('there is no event and no room (S1)', async () => {
    await start();
    const history = server.challenge();
    const raw = await silentOf();
    raw.send(`42["join_challenge",{"challenge_id":"${history.challengeId}"}]`);
    server.trade(history, 3);
    await closing(raw);
    expect(raw.heard.filter((text) => text.startsWith('4'))).toEqual([]);

    const bare = await silentOf();
    bare.send('40');
    expect(await bare.hears((text) => text.startsWith('4'))).toContain('"code":"unauthorized"');
    await closing(bare);
    expect(server.counted('handshake ok')).toBe(0);
  });

  it('whatever fails inside is answered unavailable, and everybody else is served (S2)', async () => {
    let isBroken = true;
    const seats = localUserSeats(0);
    await start({
      users: { take: (userId) => (isBroken ? Promise.reject(new Error('no store')) : seats.take(userId)) },
    });
    const { data } = await refusalOf(server.url, { auth: { token: await tokens.user(aUserId()) } });
    expect(data).toMatchObject({ code: 'unavailable', retry_after_ms: expect.any(Number) });
    await counted('handshake fault', 1);
    await until(() => server.connections.size === 0);
    expect(server.lines.filter((line) => line.includes('"level":"error"'))).toHaveLength(1);
    isBroken = false;
    await rawOf();
  });

  it('whoever leaves while his seat is looked for gives it back', async () => {
    const seats = localUserSeats(1);
    let look: () => void = () => undefined;
    await start({
      users: {
        take: async (userId) => {
          await new Promise<void>((resolve) => (look = resolve));
          return seats.take(userId);
        },
      },
    });
    const userId = aUserId();
    const token = await tokens.user(userId);
    const raw = await silentOf();
    raw.send(`40${JSON.stringify({ token })}`);
    const isLookedFor = look;
    await until(() => look !== isLookedFor);
    raw.end();
    await until(() => server.connections.size === 0);
    look();
    await counted('handshake gone', 1);
    expect(await seats.take(userId as never)).toBeDefined();
  });

  it('each refusal is counted by its reason', async () => {
    await start({ users: localUserSeats(1), admissionPerSecond: 5, clock: still });
    const userId = aUserId();
    await rawOf(userId);
    for (const token of [
      'rubbish',
      await tokens.service(),
      await tokens.expired(userId),
      await tokens.user(userId),
      await tokens.user(aUserId()),
    ])
      await refusalOf(server.url, { auth: { token } });
    expect(Object.fromEntries([...server.counts].filter(([what]) => what.startsWith('handshake')))).toEqual({
      'handshake ok': 1,
      'handshake unauthorized': 1,
      'handshake no_user': 1,
      'handshake token_expired': 1,
      'handshake per_user': 1,
      'handshake admission': 1,
    });
  });
});

describe('what a client asks', () => {
  /** Events whose payload is not as agreed. */
  const BAD: readonly (readonly [string, string])[] = ['join_challenge', 'leave_challenge', 'refresh_token'].flatMap(
    (event) =>
      [
        '',
        ',null',
        ',"x"',
        ',7',
        ',[]',
        ',{},{}',
        ',{}',
        ',{"challenge_id":7,"token":7}',
        ',{"challenge_id":null}',
      ].map((payload) => [event, payload] as const),
  );

  it('is answered invalid_request whatever it is, each once; a good one passes (S4, S5)', async () => {
    await start();
    const history = server.challenge();
    const raw = await rawOf(history.userId);
    for (const [id, [event, payload]] of BAD.entries()) raw.send(`42${id}["${event}"${payload}]`);
    raw.send(`42999["join_challenge",{"challenge_id":"${history.challengeId}"}]`);
    await raw.hears((text) => text.startsWith('43999['));
    const answers = raw.heard.filter((text) => /^43\d/.test(text));
    expect(answers).toHaveLength(BAD.length + 1);
    expect(answers.filter((text) => text.includes('"invalid_request"'))).toHaveLength(BAD.length);
    expect(answers.at(-1)).toBe('43999[{"ok":true}]');
  });

  it('for a challenge that went to another while the client was away is forbidden, and nothing of it is sent (S13)', async () => {
    await start();
    const history = server.challenge();
    server.trade(history, 3);
    const client = await clientOf(history);
    await client.joined();
    const [{ cursor }, before] = [client, history.userId];
    client.close();
    await until(() => server.connections.size === 0);
    history.userId = aUserId();
    server.trade(history, 3);
    const raw = await rawOf(before);
    raw.send(`421["join_challenge",${JSON.stringify({ challenge_id: history.challengeId, cursor })}]`);
    expect(await raw.hears((text) => text.startsWith('431['))).toContain('"forbidden"');
    server.trade(history);
    expect(raw.heard.filter((text) => text.startsWith('42'))).toEqual([]);
  });
});

describe('a token', () => {
  /** A wall clock that a test sets on. */
  class Ahead implements Clock {
    ms = 0;
    now = (): number => systemClock.now() + this.ms;
    monotonicMs = systemClock.monotonicMs;
    sleep = systemClock.sleep;
  }

  it('that is over lets nothing more out, even before anybody has looked at the connection (T2)', async () => {
    const clock = new Ahead();
    await start({ clock });
    const history = server.challenge();
    const client = await clientOf(history, { socket: { reconnection: false } });
    await client.joined();
    server.trade(history);
    await client.reached(1);
    clock.ms = 3_600_000;
    server.trade(history); // in the same turn: the wheel has not come round
    await until(() => !client.socket.connected);
    expect(client.cursor?.sequence).toBe(1);
    expect(client.errors).toContainEqual(expect.objectContaining({ code: 'token_expired' }));
    expect(server.counted('ended token_expired')).toBe(1);
  });

  it('of 60 days stays (T3)', async () => {
    await start({ clock: hurried(10) });
    const history = server.challenge();
    const token = await tokens.user(history.userId, { livesS: 60 * 86_400 });
    const client = await clientOf(history, { token });
    await client.joined();
    await until(() => server.unackedBytes().every((bytes) => bytes === 0)); // the wheel has come round: it pings
    expect(client.heard).not.toContain('token_expired');
    expect(client.socket.connected).toBe(true);
  });

  it('that is shorter takes the place of a longer one (T4)', async () => {
    const clock = new Ahead();
    await start({ clock });
    const history = server.challenge();
    const client = await clientOf(history, { socket: { reconnection: false } });
    await client.joined();
    const refresh = async (options: TokenOptions): Promise<Answer> =>
      (await client.socket.emitWithAck('refresh_token', {
        token: await tokens.user(history.userId, options),
      })) as Answer;
    const nowS = Math.floor(Date.now() / 1000);
    const isOver = { issuedAtS: nowS - 62, livesS: 60 }; // but within the skew
    expect(await refresh(isOver)).toMatchObject({ ok: false, code: 'token_expired' });
    expect(await refresh({ livesS: 60 })).toEqual({ ok: true });
    expect(client.socket.connected).toBe(true);
    clock.ms = 62_000; // the first would last an hour
    await until(() => !client.socket.connected);
    expect(client.errors).toContainEqual(expect.objectContaining({ code: 'token_expired' }));
  });

  it('that is refused stands in no frame and no line (S3)', async () => {
    await start();
    const raw = await rawOf();
    const bad = [await tokens.forged(aUserId()), 'hunter2-hunter2-hunter2', await tokens.user(aUserId())];
    for (const [id, token] of bad.entries()) {
      raw.send(`42${id}["refresh_token",{"token":"${token}"}]`);
      raw.send(`42["refresh_token",{"token":"${token}"}]`);
    }
    await closing(raw); // the last one is somebody else's
    const seen = raw.heard.join('\n') + server.lines.join('\n');
    expect(seen).toContain('"unauthorized"');
    for (const token of bad) expect(seen).not.toContain(token);
  });
});
