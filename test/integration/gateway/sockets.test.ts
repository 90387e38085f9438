import { connect } from 'node:net';

import type { Answer } from '@tradesense/contracts';
import { io } from 'socket.io-client';
import { WebSocket } from 'ws';

import { localUserSeats } from '../../../services/gateway/src/access/index.js';
import { Client, refusalOf } from '../../support/client.js';
import { aUserId, type History } from '../../support/facts.js';
import { RawSocket } from '../../support/raw-socket.js';
import { hurried, ORIGIN, SocketServer, still } from '../../support/socket-server.js';
import { tokens } from '../../support/tokens.js';
import { until, within } from '../../support/until.js';

let server: SocketServer;
const clients: { close(): void }[] = [];

async function start(options?: Parameters<typeof SocketServer.start>[0]): Promise<void> {
  server = await SocketServer.start(options);
}
afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await server.stop();
  expect(server.lines.filter((line) => line.includes('"level":"error"'))).toEqual([]);
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
const closing = (raw: RawSocket): Promise<unknown> =>
  until(
    () => raw.closed,
    (code) => code !== undefined,
    { what: 'a close' },
  );

describe('a socket', () => {
  it('joins, gets each event once, leaves, and gets no more', async () => {
    await start();
    const history = server.challenge();
    const client = await clientOf(history);
    await client.joined();
    server.trade(history, 5);
    await client.reached(5);
    expect(client.handled.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4, 5]);
    expect(client.heard.slice(0, 2)).toEqual(['joined_challenge', 'freshness']);

    const answer = (await client.socket.emitWithAck('leave_challenge', {
      challenge_id: history.challengeId,
    })) as Answer;
    expect(answer).toEqual({ ok: true });
    await until(() => client.heard.includes('left_challenge'));
    server.trade(history);
    const other = await clientOf(history);
    await other.joined();
    expect(client.handled).toHaveLength(5);
  });

  it('does the same over polling, and over polling that becomes a WebSocket', async () => {
    await start();
    const history = server.challenge();
    const polling = await clientOf(history, { socket: { transports: ['polling'] } });
    const upgrading = await clientOf(history, { socket: { transports: ['polling', 'websocket'] } });
    for (const client of [polling, upgrading]) await client.joined();
    for (let count = 1; count <= 20; count += 1) {
      server.trade(history);
      if (count % 5 === 0) for (const client of [polling, upgrading]) await client.reached(count);
    }
    await until(() => upgrading.socket.io.engine.transport.name === 'websocket');
    server.trade(history, 5);
    for (const client of [polling, upgrading]) {
      await client.reached(25);
      expect(client.handled).toHaveLength(25);
      expect(client.bridged).toBe(0);
    }
  });

  it('recovers by its cursor what it missed', async () => {
    await start();
    const history = server.challenge();
    server.trade(history, 10);
    const client = await clientOf(history, { cursor: { ...history.cursor, sequence: 7 } });
    expect(await client.joined()).toMatchObject({ recovered: true, sequence: 10 });
    await client.reached(10);
    expect(client.handled.map(({ sequence }) => sequence)).toEqual([8, 9, 10]);
  });

  it('keeps to the order of sequences when it joins while 1,000 events a second are published (S12)', async () => {
    await start();
    const history = server.challenge();
    server.trade(history, 20);
    const joined: Client[] = [];
    for (let round = 0; round < 60; round += 1) {
      server.trade(history, 3);
      if (round % 3 === 0) joined.push(await clientOf(history, { cursor: history.cursor }));
      await new Promise((resolve) => setImmediate(resolve));
    }
    const last = history.cursor.sequence;
    for (const client of joined) {
      const { cursor } = client;
      await client.reached(last);
      const [first] = client.joins;
      expect(first?.recovered).toBe(true);
      expect(client.received.map(({ verdict }) => verdict).filter((verdict) => verdict !== 'handled')).toEqual([]);
      expect(client.handled.at(-1)?.sequence ?? cursor?.sequence).toBe(last);
    }
  });
});

describe('a handshake', () => {
  const userId = aUserId();
  it('takes the token from auth, from Authorization, and where allowed from the query', async () => {
    await start();
    const token = await tokens.user(userId);
    for (const options of [
      { auth: { token } },
      { extraHeaders: { authorization: `Bearer ${token}` } },
      { query: { token } },
    ]) {
      const socket = io(server.url, { transports: ['websocket'], forceNew: true, reconnection: false, ...options });
      clients.push({ close: () => socket.disconnect() });
      await within(3_000, 'connects', new Promise((resolve) => socket.once('connect', () => resolve(true))));
    }
  });

  it('does not look at the query where that is not allowed', async () => {
    await start({ allowQueryToken: false });
    const { data } = await refusalOf(server.url, { query: { token: await tokens.user(userId) } });
    expect(data?.code).toBe('unauthorized');
  });

  it('that is refused ends the connection with it (S8)', async () => {
    await start();
    const raw = await RawSocket.open(server.url);
    raw.send('40{"token":"guess"}');
    expect(await raw.hears((text) => text.startsWith('44'))).toContain('"code":"unauthorized"');
    await closing(raw);
    expect(server.connections.size).toBe(0);
  });

  it('happens once on a connection: of a hundred CONNECTs one is verified, then it is over (S8)', async () => {
    await start();
    const raw = await RawSocket.open(server.url);
    const token = await tokens.user(userId);
    for (let count = 0; count < 100; count += 1) raw.send(`40{"token":"${token}"}`);
    await closing(raw);
    expect(server.counted('handshake ok') + server.counted('handshake unauthorized')).toBeLessThanOrEqual(1);
    expect(server.connections.size).toBe(0);
  });

  it('to a namespace that is not there ends the connection', async () => {
    await start();
    const raw = await RawSocket.open(server.url);
    raw.send('40/admin,{"token":"x"}');
    await closing(raw);
  });

  it('leaves nothing of the token in what the server keeps (T6)', async () => {
    await start();
    const token = await tokens.user(userId);
    const socket = io(server.url, {
      transports: ['websocket'],
      query: { token },
      auth: { token },
      extraHeaders: { authorization: `Bearer ${token}`, cookie: `session=${token}` },
    });
    clients.push({ close: () => socket.disconnect() });
    await within(3_000, 'connects', new Promise((resolve) => socket.once('connect', () => resolve(true))));
    const [kept] = await server.sockets();
    const { request, handshake } = kept!;
    const seen = JSON.stringify([
      request.url,
      request.headers,
      request.rawHeaders,
      handshake,
      (request as { _query?: object })._query,
    ]);
    expect(seen).not.toContain(token);
    expect(server.lines.join('')).not.toContain(token);
  });

  it('beyond the limit of a user is refused with a hint when to come back; a place that is left is free again', async () => {
    await start({ users: localUserSeats(2) });
    const token = await tokens.user(userId);
    const first = await rawOf(userId);
    await rawOf(userId);
    const { data } = await refusalOf(server.url, { auth: { token } });
    expect(data).toMatchObject({ code: 'too_many_connections', retry_after_ms: expect.any(Number) });
    await rawOf(); // somebody else
    first.end();
    await until(() => server.counted('ended client') === 1);
    await rawOf(userId);
  });

  it('beyond the admission rate is refused with a hint', async () => {
    await start({ admissionPerSecond: 3, clock: still });
    for (let count = 0; count < 3; count += 1) await rawOf();
    const { data } = await refusalOf(server.url, { auth: { token: await tokens.user(userId) } });
    expect(data).toMatchObject({ code: 'unavailable', retry_after_ms: expect.any(Number) });
  });

  it('that never comes is waited for 5 s, no longer (S8)', async () => {
    await start();
    const raw = await RawSocket.open(server.url);
    const beganMs = performance.now();
    await closing(raw);
    expect(performance.now() - beganMs).toBeGreaterThan(4_000);
    expect(performance.now() - beganMs).toBeLessThan(7_000);
  });
});

describe('the door', () => {
  /** The first line of the answer to an upgrade. */
  const upgrade = (headers: string, path = '/socket.io/?EIO=4&transport=websocket'): Promise<string> =>
    within(
      3_000,
      'an answer',
      new Promise((resolve, reject) => {
        const socket = connect(server.port, '127.0.0.1', () =>
          socket.write(
            `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n` +
              `Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n${headers}\r\n`,
          ),
        );
        socket.once('data', (data) => {
          resolve(String(data).split('\r\n', 1)[0] ?? '');
          socket.destroy();
        });
        socket.once('error', reject);
      }),
    );

  it.each([
    ['ours', `Origin: ${ORIGIN}\r\n`, 'HTTP/1.1 101'],
    ['none', '', 'HTTP/1.1 101'],
    ['a foreign one', 'Origin: https://evil.example\r\n', 'HTTP/1.1 403'],
    ['one that looks like ours', 'Origin: https://evil-ours.example\r\n', 'HTTP/1.1 403'],
    ['null', 'Origin: null\r\n', 'HTTP/1.1 403'],
    ['two of them', `Origin: ${ORIGIN}\r\nOrigin: https://evil.example\r\n`, 'HTTP/1.1 403'],
  ])('upgrade with Origin: %s', async (_, headers, status) => {
    await start();
    expect(await upgrade(headers)).toContain(status);
  });

  it('asks polling requests as well, with a sid too, and CORS allows ours only (S7)', async () => {
    await start();
    const url = `http://127.0.0.1:${server.port}/socket.io/?EIO=4&transport=polling`;
    const from = (origin: string, more = '') => fetch(url + more, { headers: { origin } });
    const ours = await from(ORIGIN);
    expect([ours.status, ours.headers.get('access-control-allow-origin')]).toEqual([200, ORIGIN]);
    const { sid } = JSON.parse((await ours.text()).slice(1)) as { sid: string };
    for (const answer of [await from('https://evil.example'), await from('https://evil.example', `&sid=${sid}`)]) {
      expect(answer.status).toBe(403);
      expect(answer.headers.get('access-control-allow-origin')).not.toBe('https://evil.example');
    }
  });

  it('counts connections per address and in all, and forgets them when they end', async () => {
    await start({ maxConnectionsPerAddress: 2, maxConnections: 3 });
    const first = await rawOf();
    await rawOf();
    expect(await upgrade('')).toContain('429');
    first.end();
    await until(() => server.connections.size === 1);
    expect(await upgrade('')).toContain('101');
  });

  it('counts in all', async () => {
    await start({ maxConnections: 2 });
    await rawOf();
    await rawOf();
    expect(await upgrade('')).toContain('503');
  });

  it('gives back the place of a handshake that came to nothing', async () => {
    await start({ maxConnectionsPerAddress: 2 });
    for (let count = 0; count < 10; count += 1) {
      expect(await upgrade('', '/socket.io/?EIO=4&transport=carrier-pigeon')).toContain('400');
      expect((await fetch(`http://127.0.0.1:${server.port}/socket.io/?EIO=3&transport=polling`)).status).toBe(400);
    }
    await rawOf();
    await rawOf();
  });

  it('is closed at the end', async () => {
    await start();
    server.connections.door.close();
    expect(await upgrade('')).toContain('503');
  });
});

describe('what a client asks', () => {
  const challengeOf = async (): Promise<[History, RawSocket]> => {
    const history = server.challenge();
    return [history, await rawOf(history.userId)];
  };
  /** The acknowledgement of the event with this id. */
  const ack = async (raw: RawSocket, id: number): Promise<unknown> =>
    JSON.parse((await raw.hears((text) => text.startsWith(`43${id}[`))).slice(`43${id}`.length));

  it.each([
    ['nothing', ''],
    ['null', ',null'],
    ['text', ',"x"'],
    ['a number', ',7'],
    ['an array', ',[{"challenge_id":"x"}]'],
    ['two payloads', ',{},{}'],
    ['an empty object', ',{}'],
    ['a challenge in capitals', ',{"challenge_id":"C0FFEE00-0000-4000-8000-000000000000"}'],
    ['a challenge with a path', ',{"challenge_id":"../../etc"}'],
    ['a challenge that is an object', ',{"challenge_id":{"toString":1}}'],
    ['a key called __proto__', ',{"__proto__":{"challenge_id":"x"}}'],
    [
      'a negative cursor',
      ',{"challenge_id":"00000000-0000-4000-8000-000000000000","cursor":{"epoch":1,"sequence":-1}}',
    ],
    [
      'a fractional cursor',
      ',{"challenge_id":"00000000-0000-4000-8000-000000000000","cursor":{"epoch":1,"sequence":1.5}}',
    ],
    [
      'a cursor of 2^63',
      ',{"challenge_id":"00000000-0000-4000-8000-000000000000","cursor":{"epoch":1,"sequence":9223372036854775808}}',
    ],
    [
      'a cursor of 1e400',
      ',{"challenge_id":"00000000-0000-4000-8000-000000000000","cursor":{"epoch":1,"sequence":1e400}}',
    ],
    ['too much history', ',{"challenge_id":"00000000-0000-4000-8000-000000000000","history":201}'],
  ])(
    'join_challenge with %s is answered invalid_request, by acknowledgement and by error (S5, S6)',
    async (_, payload) => {
      await start();
      const raw = await rawOf();
      const expected = { code: 'invalid_request', message: 'The payload is not of the agreed shape' };
      raw.send(`421["join_challenge"${payload}]`);
      expect(await ack(raw, 1)).toEqual([{ ok: false, ...expected }]);
      raw.send(`42["join_challenge"${payload}]`);
      expect(await raw.hears((text) => text.startsWith('42["error"'))).toContain(JSON.stringify(expected).slice(1, -1));
    },
  );

  it.each(['drop_tables', 'error', '__proto__', 'constructor', 'x'.repeat(10_000)])(
    'an event that is not there is answered, and not for ever',
    async (name) => {
      await start();
      const raw = await rawOf();
      raw.send(`421["${name}",{}]`);
      expect(await ack(raw, 1)).toEqual([{ ok: false, code: 'unknown_event', message: 'No such event' }]);
      for (let count = 0; count < 10; count += 1) raw.send(`42["${name}",{}]`);
      await closing(raw);
    },
  );

  it.each([
    ['a message over 16 KiB', [`42["join_challenge","${'x'.repeat(16 * 1024)}"]`]],
    ['a message of 1 MB', [`42["join_challenge","${'x'.repeat(1024 * 1024)}"]`]],
    ['a packet that is no JSON', ['42["join_challenge",{']],
    ['an event without a name', ['42[]']],
    ['an event called null', ['42[null]']],
    ['an event that is no list', ['42{}']],
    ['a reserved name', ['42["disconnect"]']],
    ['a packet of no type', ['49']],
    ['an engine packet of no type', ['9']],
    ['empty text', ['']],
    ['binary without a header', [Buffer.from([1, 2, 3])]],
    ['a header for a thousand attachments', ['451000-["join_challenge",{"_placeholder":true,"num":0}]']],
    ['a header, and text where its attachment should be', ['451-["x",{"_placeholder":true,"num":0}]', '42["y"]']],
    ['a placeholder with a foreign number', ['451-["x",{"_placeholder":true,"num":7}]', Buffer.from([1])]],
    ['a connect_error', ['44{"message":"x"}']],
    ['a hundred thousand brackets, cut off', [`42["x",${'['.repeat(15_000)}`]],
  ])('%s ends the connection, and no other', async (_, messages) => {
    await start();
    const [history, hostile] = await challengeOf();
    const other = await clientOf(history);
    await other.joined();
    for (const message of messages) hostile.send(message);
    await closing(hostile);
    server.trade(history);
    await other.reached(1);
    expect(other.joins).toHaveLength(1);
  });

  it.each([
    ['a binary payload', ['451-1["join_challenge",{"_placeholder":true,"num":0}]', Buffer.from([1, 2, 3])]],
    ['an acknowledgement that is no function', ['421["join_challenge",{"challenge_id":"x"},"call me"]']],
    ['a huge acknowledgement id', ['4299999999999["join_challenge"]']],
    ['an acknowledgement of nothing', ['4399["x"]', '421["join_challenge"]']],
  ])('%s is answered', async (_, messages) => {
    await start();
    const raw = await rawOf();
    const { length } = raw.heard;
    for (const message of messages) raw.send(message);
    await until(() => raw.heard.length > length);
    expect(raw.heard.at(-1)).toContain('invalid_request');
    expect(raw.closed).toBeUndefined();
  });

  it('leaving the namespace ends the connection', async () => {
    await start();
    const raw = await rawOf();
    raw.send('41');
    await closing(raw);
    expect(server.connections.size).toBe(0);
  });

  it('more than 120 messages at once are told rate_limited, and over', async () => {
    await start();
    const raw = await rawOf();
    for (let count = 0; count < 200; count += 1) raw.send('42["leave_challenge",{"challenge_id":"x"}]');
    await closing(raw);
    expect(raw.heard.some((text) => text.includes('"rate_limited"'))).toBe(true);
    expect(server.counted('ended rate_limited')).toBe(1);
  });

  it('is refused for the 51st challenge, and for none that is joined already', async () => {
    await start();
    const first = server.challenge();
    const { userId } = first;
    const raw = await rawOf(userId);
    const join = (id: number, { challengeId }: History) =>
      raw.send(`42${id}["join_challenge",{"challenge_id":"${challengeId}"}]`);
    const histories = Array.from({ length: 51 }, () => server.challenge());
    for (const history of histories) {
      history.userId = userId;
      server.event(history.equity()); // changes hands
    }
    for (const [index, history] of histories.entries()) join(index, history);
    expect(await ack(raw, 49)).toEqual([{ ok: true }]);
    expect(await ack(raw, 50)).toEqual([expect.objectContaining({ code: 'too_many_rooms' })]);
    join(60, histories[0]!);
    expect(await ack(raw, 60)).toEqual([{ ok: true }]);
  });

  it('is answered unavailable, not forbidden, while nobody can know whose the challenge is', async () => {
    await start();
    for (let partition = 0; partition < 12; partition += 1)
      server.rooms.stand(partition, { state: 'stale', asOf: null, reason: 'watermark_old' });
    const stranger = await rawOf();
    const { challengeId } = server.challenge();
    stranger.send(`421["join_challenge",{"challenge_id":"${challengeId}"}]`);
    stranger.send(`422["join_challenge",{"challenge_id":"00000000-0000-4000-8000-000000000000"}]`);
    for (const id of [1, 2])
      expect(await ack(stranger, id)).toEqual([expect.objectContaining({ code: 'unavailable' })]);
  });

  it('of a challenge that changes hands is told so, and nothing of what follows', async () => {
    await start();
    const history = server.challenge();
    const client = await clientOf(history);
    await client.joined();
    history.userId = aUserId();
    server.trade(history, 3);
    await until(() => client.heard.includes('access_revoked'));
    expect(client.received).toEqual([]);
    const owner = await clientOf(history);
    await owner.joined();
    expect(owner.cursor?.sequence).toBe(3);
  });
});

describe('a token', () => {
  const expiring = (userId: string, livesS: number): Promise<string> => tokens.user(userId, { livesS });

  it('that ends is told before, then nothing more is sent (T2)', async () => {
    await start();
    const history = server.challenge();
    const client = new Client({
      url: server.url,
      token: await expiring(history.userId, 3),
      challengeId: history.challengeId,
      socket: { reconnection: false },
    });
    clients.push(client);
    await client.joined();
    await until(() => client.heard.includes('token_expired'));
    await until(() => !client.socket.connected, Boolean, { withinMs: 5_000 });
    expect(client.errors).toContainEqual(expect.objectContaining({ code: 'token_expired' }));
    expect(server.connections.size).toBe(0);
  });

  it('is replaced in band, and nothing is lost', async () => {
    await start();
    const history = server.challenge();
    const client = new Client({
      url: server.url,
      token: await expiring(history.userId, 2),
      challengeId: history.challengeId,
    });
    clients.push(client);
    await client.joined();
    const answer = (await client.socket.emitWithAck('refresh_token', {
      token: await expiring(history.userId, 60),
    })) as Answer;
    expect(answer).toEqual({ ok: true });
    const endMs = Date.now() + 3_500;
    while (Date.now() < endMs) {
      server.trade(history);
      await client.reached(history.cursor.sequence);
    }
    expect(client.joins).toHaveLength(1);
  });

  it('of somebody else is refused, and is the end of the connection (T4)', async () => {
    await start();
    const history = server.challenge();
    const client = await clientOf(history, { socket: { reconnection: false } });
    await client.joined();
    const token = await tokens.user(aUserId());
    const answer = (await client.socket.emitWithAck('refresh_token', { token })) as Answer;
    expect(answer).toMatchObject({ ok: false, code: 'forbidden' });
    await until(() => !client.socket.connected);
    server.trade(history);
    expect(client.received).toEqual([]);
    expect(server.lines.join('')).not.toContain(token);
  });

  it('that is worth nothing is refused, and the connection goes on with the one it has (S3)', async () => {
    await start();
    const history = server.challenge();
    const client = await clientOf(history);
    await client.joined();
    for (const [token, code] of [
      ['nonsense', 'unauthorized'],
      [await tokens.expired(history.userId), 'token_expired'],
      [7, 'invalid_request'],
    ]) {
      const answer = (await client.socket.emitWithAck('refresh_token', { token })) as Answer;
      expect(answer).toMatchObject({ ok: false, code });
      expect(JSON.stringify(answer)).not.toContain(String(token));
    }
    server.trade(history);
    await client.reached(1);
  });
});

describe('a reader that stops reading', () => {
  /** A joined WebSocket whose reading can be stopped. */
  async function joinedSocket({ userId, challengeId }: History): Promise<WebSocket> {
    const token = await tokens.user(userId);
    const socket = new WebSocket(`${server.url}/socket.io/?EIO=4&transport=websocket`);
    clients.push({ close: () => socket.terminate() });
    const isJoined = new Promise<void>((resolve, reject) => {
      socket.on('message', (data) => {
        const text = String(data as Buffer);
        if (text.startsWith('0')) socket.send(`40${JSON.stringify({ token })}`);
        else if (text.startsWith('40')) socket.send(`42["join_challenge",{"challenge_id":"${challengeId}"}]`);
        else if (text === '2') socket.send('3');
        else if (text.startsWith('42["freshness"')) resolve();
      });
      socket.once('error', reject);
    });
    await within(3_000, 'joins', isJoined);
    return socket;
  }

  it('costs others nothing and the gateway 64 KiB; when it reads on it gets the present, by the rule (S9)', async () => {
    await start();
    const history = server.challenge();
    const stopped = await joinedSocket(history);
    const other = await clientOf(history);
    await other.joined();
    stopped.pause();
    for (let round = 0; round < 100; round += 1) {
      server.trade(history, 10);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await other.reached(1_000);
    expect(other.received.map(({ verdict }) => verdict).filter((verdict) => verdict !== 'handled')).toEqual([]);
    const unacked = server.unackedBytes();
    expect(Math.max(...unacked)).toBeLessThanOrEqual(64 * 1024);
    expect(Math.max(...unacked)).toBeGreaterThan(48 * 1024);

    const sequences: number[] = [];
    const bodies = new Promise<void>((resolve) => {
      stopped.on('message', (data) => {
        const text = String(data as Buffer);
        if (!text.startsWith('42')) return;
        const [name, body] = JSON.parse(text.slice(2)) as [string, { sequence: number }];
        if (name !== 'freshness') sequences.push(body.sequence);
        if (body.sequence === 1_000) resolve();
      });
    });
    stopped.resume();
    await within(5_000, 'it catches up', bodies);
    expect(sequences.every((sequence, index) => index === 0 || sequence > (sequences[index - 1] ?? 0))).toBe(true);
  });

  it('gets the last of what came meanwhile, bridged, where a healthy one gets each of a hundred in one tick (S11)', async () => {
    await start({ clock: hurried(10) });
    const history = server.challenge();
    const [healthy, stopped] = [await clientOf(history), await joinedSocket(history)];
    await healthy.joined();
    server.trade(history, 100);
    await healthy.reached(100);
    expect(healthy.handled.map(({ sequence }) => sequence)).toEqual(
      Array.from({ length: 100 }, (_, index) => index + 1),
    );
    expect(healthy.bridged).toBe(0);

    const heard: unknown[][] = [];
    stopped.on('message', (data) => {
      const text = String(data as Buffer);
      if (text.startsWith('42["equity')) heard.push(JSON.parse(text.slice(2)) as unknown[]);
    });
    stopped.pause();
    for (let round = 0; round < 30; round += 1) {
      server.trade(history, 10);
      await new Promise((resolve) => setTimeout(resolve, 10)); // of the hurried clock 100 ms, so that it is shut for over a second
    }
    await until(
      () => server.connections.shut,
      (shut) => shut === 1,
      { what: 'its window is shut' },
    );
    const collapsed = server.counted('collapsed');
    stopped.resume();
    const last = await until(
      () => heard.at(-1) as [string, { sequence: number }, { prev_sequence: number }?] | undefined,
      (message) => message?.[1].sequence === 400,
      { what: 'the last one' },
    );
    expect(server.counted('collapsed')).toBeGreaterThan(collapsed);
    expect(heard.some(([, , bridge]) => bridge !== undefined) || last?.[2] !== undefined).toBe(true);
  });

  it('is closed after 30 s with data on its way, and after 5 s of silence without', async () => {
    await start({ clock: hurried(10) });
    const history = server.challenge();
    const [busy, idle] = [await joinedSocket(history), await joinedSocket(server.challenge())];
    await until(() => server.unackedBytes().every((bytes) => bytes === 0)); // the first pings were answered
    for (const socket of [busy, idle]) socket.pause();
    const beganMs = performance.now();
    server.trade(history, 500);
    await until(() => server.counted('ended unanswered') === 1, Boolean, { withinMs: 3_000 });
    expect(server.counted('ended unread')).toBe(0);
    await until(() => server.counted('ended unread') === 1, Boolean, { withinMs: 5_000 });
    expect(performance.now() - beganMs).toBeGreaterThan(2_900);
  });

  it('is closed at once if it answers pings that were not sent (S10)', async () => {
    await start();
    const raw = await rawOf();
    raw.send('3');
    raw.send('3');
    await closing(raw);
    expect(server.counted('ended forged_pong')).toBe(1);
  });
});

describe('engine.io, as far as it is not public and relied on', () => {
  interface Insides {
    readonly pingIntervalTimer: unknown;
    readonly pingTimeoutTimer: unknown;
    readonly writeBuffer: readonly unknown[];
    readonly sendPacket: unknown;
    readonly resetPingTimeout: unknown;
    readonly transport: {
      readonly name: string;
      readonly writable: boolean;
      readonly onClose: unknown;
      readonly socket?: { readonly terminate: unknown };
    };
  }
  const insides = async (): Promise<Insides> => (await server.sockets())[0]?.conn as unknown as Insides;

  it('has what the pipe uses, and no timer of its own once the pipe has taken over, whatever is pinged', async () => {
    await start({ clock: hurried(10) });
    const history = server.challenge();
    const client = await clientOf(history);
    await client.joined();
    await until(() => server.unackedBytes().every((bytes) => bytes === 0)); // a ping was sent and answered
    const { transport, ...conn } = await insides();
    expect(conn).toMatchObject({ pingIntervalTimer: null, pingTimeoutTimer: null, writeBuffer: [] });
    expect((await insides()).sendPacket).toEqual(expect.any(Function));
    expect(transport).toMatchObject({ name: 'websocket', writable: true, onClose: expect.any(Function) });
    expect(transport.socket?.terminate).toEqual(expect.any(Function));
  });

  it('and after polling has become a WebSocket there is none either', async () => {
    await start({ clock: hurried(10) });
    const client = await clientOf(server.challenge(), { socket: { transports: ['polling', 'websocket'] } });
    await client.joined();
    await until(async () => (await insides()).transport.name === 'websocket');
    await until(() => server.unackedBytes().every((bytes) => bytes === 0));
    expect(await insides()).toMatchObject({ pingIntervalTimer: null, pingTimeoutTimer: null });
  });
});

describe('the end', () => {
  it('asks everybody to leave, spread over time, closes who has not, and leaves nothing', async () => {
    await start();
    const histories = Array.from({ length: 20 }, () => server.challenge());
    const all = await Promise.all(histories.map((history) => clientOf(history, { socket: { reconnection: false } })));
    await Promise.all(all.map((client) => client.joined()));
    const away = all.map(
      (client) =>
        new Promise<number>((resolve) =>
          client.socket.once('going_away', (body: { reconnect_in_ms: number }) => resolve(body.reconnect_in_ms)),
        ),
    );
    await server.connections.drain(2_000);
    const waits = await Promise.all(away);
    expect(new Set(waits).size).toBeGreaterThan(10);
    expect(Math.max(...waits)).toBeLessThanOrEqual(80); // 250 a second
    await until(() => all.every((client) => !client.socket.connected));
    expect(server.connections.size).toBe(0);
    expect(server.counted('ended going_away')).toBe(20);
  });
});
