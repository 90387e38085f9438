import { SignJWT } from 'jose';
import { setTimeout as delay } from 'node:timers/promises';

import { Client } from '../../support/client.js';
import { aChallengeId, aUserId, History } from '../../support/facts.js';
import { Feed } from '../../support/feed.js';
import { brokenFrame, clientFrame } from '../../support/mutations.js';
import { SocketServer, hurried } from '../../support/socket-server.js';
import { openStack, type OwnGround } from '../../support/stack.js';
import { System } from '../../support/system.js';
import { JWT_SECRET, tokens } from '../../support/tokens.js';
import { until } from '../../support/until.js';
import { CLOSE, PING, PONG, UPGRADE, Wire } from '../../support/wire.js';

/** What comes back for it, in a word or two. */
type Attack = () => Promise<string>;
/** Of the gateway's metrics, the line that counts it. */
type Counted = readonly [metric: string, label: string] | undefined;
type Row = readonly [number: number, what: string, attack: Attack, answer: string, counted?: Counted];

const KB = 1024;
const MESSAGE_BYTES = 16 * KB;
const PER_ADDRESS = 400;
const LONGEST_MS = 15_000;

describe('each hostile input has its answer, its reason is counted, and others notice nothing', () => {
  let ground: OwnGround;
  let feed: Feed;
  let system: System;
  let bystander: Client;
  const own = new History();
  const theirs = new History();
  const wires: Wire[] = [];
  let token: string;

  beforeAll(async () => {
    ground = await openStack();
    feed = new Feed(ground);
    feed.startWatermarks();
    const env = { MAX_CONNECTIONS_PER_ADDRESS: String(PER_ADDRESS), ALLOWED_ORIGINS: 'https://ours.com' };
    system = await System.start(ground, { services: ['gateway'], env: { gateway: env } });
    await feed.publish(own.state(), theirs.state());
    bystander = new Client({
      url: system.gatewayUrl,
      token: await tokens.user(own.userId),
      challengeId: own.challengeId,
    });
    await bystander.joined();
    token = await tokens.user(own.userId);
  });
  afterAll(async () => {
    bystander?.close();
    await system?.stop();
    await feed?.close();
    await ground?.close();
  });

  // The vocabulary of the table.

  function wire(): Wire {
    const made = new Wire(system.gatewayPort);
    wires.push(made);
    return made;
  }
  const http = async (line: string, headers: Readonly<Record<string, string>> = {}, body = ''): Promise<string> => {
    const one = wire();
    one.request(line, headers, body);
    return `HTTP ${await one.answer()}`;
  };
  const upgrade = async (headers: Readonly<Record<string, string>>, query = ''): Promise<string> =>
    `HTTP ${await wire().upgrade(headers, query)}`;
  async function opened(): Promise<Wire> {
    const one = wire();
    await one.upgrade();
    await until(() => one.texts.length > 0, Boolean, { what: 'the handshake of engine.io' });
    return one;
  }
  async function inside(as = token): Promise<Wire> {
    const one = await opened();
    one.text(`40${JSON.stringify({ token: as })}`);
    await until(() => one.texts.some((text) => text.startsWith('40')), Boolean, { what: 'it is let in' });
    return one;
  }
  /** The first answer to what follows what was heard before, or the close. */
  async function verdict(one: Wire, before = one.texts.length): Promise<string> {
    const answer = (): string | undefined => {
      for (const text of one.texts.slice(before)) {
        const refused = /^44.*"code":"(\w+)"/.exec(text);
        if (refused !== null) return `refused ${refused[1]}`;
        if (text.startsWith('40')) return 'let in';
        const acknowledged = /^43\d*\[\{"ok":(true|false,"code":"(\w+)")/.exec(text);
        if (acknowledged !== null) return `answered ${acknowledged[2] ?? 'ok'}`;
        const error = /^42\["error",\{"code":"(\w+)"/.exec(text);
        if (error !== null) return `told ${error[1]}`;
      }
      return one.closeCode === undefined ? undefined : `closed ${one.closeCode}`;
    };
    return (await until(answer, (found) => found !== undefined, {
      withinMs: 11_000,
      what: 'an answer or a close',
    })) as string;
  }
  /** Before there is a session. */
  const opens =
    (...messages: readonly (string | Buffer)[]): Attack =>
    async () => {
      const one = await opened();
      const before = one.texts.length;
      for (const message of messages) one.text(message);
      return verdict(one, before);
    };
  const handshake =
    (make: () => Promise<string> | string): Attack =>
    async () => {
      const one = await opened();
      const before = one.texts.length;
      one.text(`40${JSON.stringify({ token: await make() })}`);
      return verdict(one, before);
    };
  const says =
    (...messages: readonly (string | Buffer)[]): Attack =>
    async () => {
      const one = await inside();
      const before = one.texts.length;
      for (const message of messages) one.text(message);
      return verdict(one, before);
    };
  const asks =
    (body: () => string, name = 'join_challenge'): Attack =>
    () =>
      says(`421["${name}",${body()}]`)();
  const bytes =
    (...pieces: readonly Buffer[]): Attack =>
    async () => {
      const one = await inside();
      const before = one.texts.length;
      for (const piece of pieces) one.write(piece);
      return verdict(one, before);
    };
  const ended = async (one: Wire): Promise<string> => {
    await until(
      () => one.closeCode,
      (code) => code !== undefined,
      { withinMs: LONGEST_MS, what: 'a close' },
    );
    return `closed ${one.closeCode}`;
  };
  /** Who writes on may lose the closing frame with what came before it. */
  const cut =
    (attack: Attack): Attack =>
    async () =>
      (await attack()).replace(/^closed .*/, 'closed');
  const frame = (payload: string | Buffer, opcode = 1): Buffer => clientFrame(Buffer.from(payload), () => 0, opcode);
  /** With the first byte of its head as it is told. */
  const headed = (first: number, payload: string | Buffer): Buffer => {
    const made = frame(payload);
    made.writeUInt8(first, 0);
    return made;
  };
  const jwt = (header: object, claims: object = {}): Promise<string> =>
    new SignJWT({ sub: own.userId, iss: 'tradesense', aud: 'tradesense', iat: nowS(), exp: nowS() + 600, ...claims })
      .setProtectedHeader({ alg: 'HS256', ...header })
      .sign(new TextEncoder().encode(JWT_SECRET));
  const join = (more: object, challengeId: string = own.challengeId): string =>
    JSON.stringify({ challenge_id: challengeId, ...more });
  const cursor = (sequence: string): Attack =>
    asks(() => `{"challenge_id":"${own.challengeId}","cursor":{"epoch":${own.cursor.epoch},"sequence":${sequence}}}`);
  /** A message of so many bytes that is well-formed. */
  const sized = (length: number): string => {
    const [open, close] = ['421["join_challenge",{"x":"', '"}]'];
    return `${open}${'x'.repeat(length - open.length - close.length)}${close}`;
  };

  const endedAs = (cause: string): Counted => ['tradesense_gateway_connections_ended_total', `cause="${cause}"`];
  const refused = (result: string): Counted => ['tradesense_gateway_handshakes_total', `result="${result}"`];
  const away = (reason: string): Counted => ['tradesense_gateway_turned_away_total', `reason="${reason}"`];
  const answered = (result: string, request = 'join_challenge'): Counted => [
    'tradesense_gateway_requests_total',
    `request="${request}",result="${result}"`,
  ];
  const unknown = answered('unknown_event', 'other');

  const ROWS: readonly Row[] = [
    // Handshake
    [1, 'not an upgrade at all', () => http('GET /socket.io/?EIO=4&transport=websocket'), 'HTTP 400', away('protocol')],
    [
      1,
      'not HTTP',
      async () => {
        const one = wire();
        one.write('\x16\x03\x01\x00\xa5\x01\x00\r\n\r\n');
        return `HTTP ${await one.answer()}`;
      },
      'HTTP 400',
    ],
    [2, 'upgrade without a key', () => http('GET /socket.io/?EIO=4&transport=websocket', UPGRADE), 'HTTP 400'],
    [2, 'upgrade of a wrong version', () => upgrade({ 'Sec-WebSocket-Version': '7' }), 'HTTP 400'],
    [2, 'another engine.io', () => http('GET /socket.io/?EIO=3&transport=polling'), 'HTTP 400', away('protocol')],
    [3, 'Origin foreign', () => upgrade({ Origin: 'https://evil.com' }), 'HTTP 403', away('origin')],
    [3, 'Origin null', () => upgrade({ Origin: 'null' }), 'HTTP 403', away('origin')],
    [3, 'Origin missing: the token decides', () => upgrade({}), 'HTTP 101'],
    [
      3,
      'Origin twice',
      () => upgrade({ Origin: 'https://ours.com', origin: 'https://evil.com' }),
      'HTTP 403',
      away('origin'),
    ],
    [3, 'Origin like ours', () => upgrade({ Origin: 'https://evil-ours.com' }), 'HTTP 403', away('origin')],
    [
      4,
      'sid of somebody else',
      async () => {
        const sid = /"sid":"([^"]+)"/.exec((await opened()).texts[0] ?? '')?.[1];
        return http(`GET /socket.io/?EIO=4&transport=polling&sid=${sid}`);
      },
      'HTTP 400',
      away('protocol'),
    ],
    [
      4,
      'sid that does not exist',
      () => http('GET /socket.io/?EIO=4&transport=polling&sid=AAAAAAAAAAAAAAAAAAAA'),
      'HTTP 400',
      away('protocol'),
    ],
    [
      5,
      'handshake that stops half-way',
      async () => {
        const one = wire();
        one.write('GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\n');
        return ended(one);
      },
      'closed 1006',
    ],
    [6, 'open transport, no CONNECT', async () => ended(await opened()), 'closed 1005', endedAs('silent')],
    [
      7,
      'second CONNECT',
      async () => {
        const one = await inside();
        one.text(`40${JSON.stringify({ token })}`);
        return ended(one);
      },
      'closed 1005',
      endedAs('protocol'),
    ],
    [7, 'unknown namespace', opens('40/admin,{"token":"x"}'), 'closed 1005', endedAs('protocol')],
    [
      7,
      'ten thousand namespaces',
      async () => {
        const one = await opened();
        for (let count = 0; count < 10_000; count += 1) one.text(`40/n${count},{}`);
        return cut(() => ended(one))();
      },
      'closed',
      endedAs('protocol'),
    ],
    [8, 'auth null', opens('40null'), 'closed 1005', endedAs('protocol')],
    [8, 'auth text', opens('40"token"'), 'closed 1005', endedAs('protocol')],
    [8, 'auth a list', opens('40[]'), 'closed 1005', endedAs('protocol')],
    [8, 'auth of 1 MB', cut(opens(`40{"token":"${'x'.repeat(KB * KB)}"}`)), 'closed', endedAs('message_too_big')],
    [
      8,
      'auth nested 10,000 deep',
      opens(`40{"token":${'['.repeat(7_000)}${']'.repeat(7_000)}}`),
      'refused unauthorized',
    ],
    [9, 'no token', opens('40'), 'refused unauthorized', refused('unauthorized')],
    [9, 'alg none', handshake(() => tokens.unsigned(own.userId)), 'refused unauthorized', refused('unauthorized')],
    [
      9,
      'another algorithm',
      handshake(() => tokens.user(own.userId, { alg: 'HS512' })),
      'refused unauthorized',
      refused('unauthorized'),
    ],
    [9, 'another key', handshake(() => tokens.forged(own.userId)), 'refused unauthorized', refused('unauthorized')],
    [
      9,
      'another issuer',
      handshake(() => tokens.user(own.userId, { claims: { iss: 'x' } })),
      'refused unauthorized',
      refused('unauthorized'),
    ],
    [
      9,
      'another audience',
      handshake(() => tokens.user(own.userId, { claims: { aud: 'x' } })),
      'refused unauthorized',
      refused('unauthorized'),
    ],
    [9, 'expired', handshake(() => tokens.expired(own.userId)), 'refused token_expired', refused('token_expired')],
    [
      9,
      'not yet valid',
      handshake(() => jwt({}, { nbf: nowS() + 600 })),
      'refused unauthorized',
      refused('unauthorized'),
    ],
    [9, 'no exp', handshake(() => jwt({}, { exp: undefined })), 'refused unauthorized', refused('unauthorized')],
    [9, 'no kid: none is needed with a secret', handshake(() => jwt({})), 'let in', refused('ok')],
    [9, 'unknown kid: nor asked for', handshake(() => jwt({ kid: 'k' })), 'let in', refused('ok')],
    [
      9,
      'kid with a path, wrong key',
      handshake(async () => withHeader(await tokens.user(own.userId), { kid: '../../dev/null' })),
      'refused unauthorized',
      refused('unauthorized'),
    ],
    [
      9,
      'kid with SQL, wrong key',
      handshake(async () => withHeader(await tokens.user(own.userId), { kid: "' or 1=1 --" })),
      'refused unauthorized',
      refused('unauthorized'),
    ],
    // Packets
    [10, 'EVENT before CONNECT', opens('42["join_challenge",{}]'), 'closed 1005', endedAs('protocol')],
    [10, 'EVENT after DISCONNECT', says('41', '42["join_challenge",{}]'), 'closed 1005', endedAs('client')],
    ...['7', '8', '9', ''].map((text): Row => [
      11,
      `packet ${JSON.stringify(text)}`,
      says(text),
      'closed 1005',
      endedAs('transport_error'),
    ]),
    ...['4', '47', '48', '49', '42{}', '42[]', '42[null]', '42[{}]'].map((text): Row => [
      11,
      `packet ${JSON.stringify(text)}`,
      says(text),
      'closed 1005',
      endedAs('protocol'),
    ]),
    ...['42', '42[7]'].map((text): Row => [
      11,
      `packet ${JSON.stringify(text)}`,
      says(text),
      'told unknown_event',
      unknown,
    ]),
    [12, 'event __proto__', asks(() => '{}', '__proto__'), 'answered unknown_event', unknown],
    [12, 'event constructor', asks(() => '{}', 'constructor'), 'answered unknown_event', unknown],
    [12, 'event connect', asks(() => '{}', 'connect'), 'closed 1005', endedAs('protocol')],
    [12, 'event disconnect', asks(() => '{}', 'disconnect'), 'closed 1005', endedAs('protocol')],
    [12, 'event of 15 KB', asks(() => '{}', 'x'.repeat(15 * KB)), 'answered unknown_event', unknown],
    [12, 'event of 64 KB', cut(asks(() => '{}', 'x'.repeat(64 * KB))), 'closed', endedAs('message_too_big')],
    ...[
      'null',
      '"x"',
      '[]',
      '7',
      '{},{}',
      '{"toString":1}',
      '{"__proto__":{"challenge_id":"x"}}',
      '{"constructor":{"prototype":1}}',
    ].map((body): Row => [
      13,
      `payload ${body}`,
      asks(() => body),
      'answered invalid_request',
      answered('invalid_request'),
    ]),
    [14, 'ack id huge', says('4299999999999999999999["join_challenge",{}]'), 'answered invalid_request'],
    [14, 'ack id negative', says('42-1["join_challenge",{}]'), 'closed 1005', endedAs('protocol')],
    [
      14,
      'ack id repeated',
      async () => {
        const one = await inside();
        for (let count = 0; count < 5; count += 1) one.text('421["join_challenge",{}]');
        await until(
          () => one.texts.filter((text) => text.startsWith('431[')).length,
          (count) => count === 5,
        );
        return 'answered each';
      },
      'answered each',
      answered('invalid_request'),
    ],
    [14, 'ack for an id never sent', says('4377[1]', '421["join_challenge",{}]'), 'answered invalid_request'],
    [
      14,
      'ack argument that is none',
      says('42["join_challenge",{},"call me"]'),
      'told invalid_request',
      answered('invalid_request'),
    ],
    [
      15,
      'header of 1,000 attachments, none sent',
      says('451000-["join_challenge",{"_placeholder":true,"num":0}]', '421["join_challenge",{}]'),
      'closed 1005',
      endedAs('protocol'),
    ],
    [15, 'attachments without header', bytes(frame('abc', 2)), 'closed 1005', endedAs('protocol')],
    [
      15,
      'placeholder with a foreign number',
      bytes(frame('451-1["join_challenge",{"_placeholder":true,"num":5}]'), frame('abc', 2)),
      'closed 1005',
      endedAs('protocol'),
    ],
    // Bytes
    [16, 'limit - 1', says(sized(MESSAGE_BYTES - 1)), 'answered invalid_request', answered('invalid_request')],
    [16, 'limit', says(sized(MESSAGE_BYTES)), 'answered invalid_request', answered('invalid_request')],
    [16, 'limit + 1', says(sized(MESSAGE_BYTES + 1)), 'closed 1009', endedAs('message_too_big')],
    [
      16,
      'thousand fragments within the limit',
      bytes(
        headed(0x01, '421["join_challenge",'),
        ...Array.from({ length: 1_000 }, () => headed(0x00, ' ')),
        headed(0x80, '{}]'),
      ),
      'answered invalid_request',
      answered('invalid_request'),
    ],
    [
      16,
      'fragments over the limit',
      bytes(headed(0x01, '421["x",'), ...Array.from({ length: 200 }, () => headed(0x00, '[[[[[[[[[['.repeat(10)))),
      'closed 1009',
      endedAs('message_too_big'),
    ],
    [
      17,
      'invalid UTF-8',
      bytes(frame(Buffer.from([0x34, 0x32, 0xc3, 0x28]))),
      'closed 1007',
      endedAs('transport_error'),
    ],
    [
      17,
      'lone surrogate',
      asks(() => '{"challenge_id":"\\ud800"}'),
      'answered invalid_request',
      answered('invalid_request'),
    ],
    [
      17,
      'NUL in an id',
      asks(() => `{"challenge_id":"${own.challengeId}\\u0000"}`),
      'answered invalid_request',
      answered('invalid_request'),
    ],
    [18, 'invalid JSON', says('42["join_challenge",{'), 'closed 1005', endedAs('protocol')],
    [
      18,
      '1e400',
      asks(() => `{"challenge_id":"${own.challengeId}","history":1e400}`),
      'answered invalid_request',
      answered('invalid_request'),
    ],
    [
      18,
      'duplicate keys: the last one counts',
      asks(() => `{"challenge_id":"x","challenge_id":"${own.challengeId}"}`),
      'answered ok',
      answered('ok'),
    ],
    [18, '100,000 brackets', cut(says(`42["x",${'['.repeat(100_000)}`)), 'closed', endedAs('message_too_big')],
    [
      18,
      'as many brackets as fit',
      says(`421["x",${'['.repeat(8_000)}${']'.repeat(8_000)}]`),
      'answered unknown_event',
      unknown,
    ],
    [19, 'unmasked frame', bytes(Buffer.from([0x81, 0x01, 0x33])), 'closed 1002', endedAs('transport_error')],
    [19, 'reserved bits', bytes(headed(0xf1, '421["x"]')), 'closed 1002', endedAs('transport_error')],
    [
      19,
      'compressed, though nobody agreed to it',
      bytes(headed(0xc1, '421["x"]')),
      'closed 1002',
      endedAs('transport_error'),
    ],
    [19, 'reserved opcode', bytes(headed(0x83, 'x')), 'closed 1002', endedAs('transport_error')],
    [19, 'fragmented ping', bytes(headed(0x09, 'x')), 'closed 1002', endedAs('transport_error')],
    [19, 'ping of 126 bytes', bytes(frame('x'.repeat(126), PING)), 'closed 1002', endedAs('transport_error')],
    [
      20,
      'ping flood',
      async () => {
        const one = await inside();
        for (let count = 0; count < 500; count += 1) one.frame(Buffer.from('x'), PING);
        return cut(() => ended(one))();
      },
      'closed',
      endedAs('rate_limited'),
    ],
    [
      20,
      'flood of messages',
      async () => {
        const one = await inside();
        for (let count = 0; count < 500; count += 1) one.text('4399[]');
        return cut(() => ended(one))();
      },
      'closed',
      endedAs('rate_limited'),
    ],
    [20, 'unasked pong of engine.io', says('3', '3', '3', '3'), 'closed 1005', endedAs('forged_pong')],
    [
      20,
      'unasked pongs of WebSocket',
      async () => {
        const one = await inside();
        for (let count = 0; count < 20; count += 1) one.frame(Buffer.from('x'), PONG);
        one.text('421["join_challenge",{}]');
        return verdict(one);
      },
      'answered invalid_request',
    ],
    [
      20,
      'no pongs',
      async () => {
        const server = await SocketServer.start({ clock: hurried(20) });
        const one = new Wire(server.port);
        await one.upgrade();
        one.text(`40${JSON.stringify({ token })}`);
        const end = await ended(one); // nor is it known to have read what it was told
        await until(() => server.counted('ended unread') === 1, Boolean, { what: 'it is counted' });
        await server.stop();
        return end;
      },
      'closed 1005',
    ],
    // Behaviour
    [
      21,
      'reader that never reads',
      async () => {
        const one = await inside();
        one.text(`42["join_challenge",${join({})}]`);
        await until(() => one.texts.some((text) => text.includes('joined_challenge')));
        one.pause();
        await feed.trade(own, 300);
        const shut = () => system.service('gateway').metric('tradesense_gateway_windows_shut');
        await until(shut, (count) => count === 1, { what: 'its window is shut' });
        return 'window shut';
      },
      'window shut',
    ],
    [
      21,
      'reader of one byte a second',
      async () => {
        const one = await inside();
        one.text(`42["join_challenge",${join({})}]`);
        await until(() => one.texts.some((text) => text.includes('joined_challenge')));
        one.pause();
        for (let count = 0; count < 3; count += 1) {
          await feed.trade(own, 100);
          one.resume();
          await delay(1);
          one.pause();
        }
        return 'borne';
      },
      'borne',
    ],
    [
      22,
      '51st room',
      async () => {
        const one = await inside();
        for (let count = 0; count < 50; count += 1) one.text(`42["join_challenge",${join({}, aChallengeId())}]`);
        one.text(`421["join_challenge",${join({})}]`);
        return verdict(one);
      },
      'answered too_many_rooms',
      answered('too_many_rooms'),
    ],
    [
      22,
      'same room many times at once',
      async () => {
        const one = await inside();
        for (let count = 0; count < 100; count += 1) one.text(`42${count}["join_challenge",${join({})}]`);
        const acknowledged = () => one.texts.filter((text) => /^43\d+\[\{"ok":true\}/.test(text)).length;
        await until(acknowledged, (count) => count === 100);
        return 'answered each';
      },
      'answered each',
      answered('ok'),
    ],
    [
      22,
      'same room a thousand times at once',
      async () => {
        const one = await inside();
        for (let count = 0; count < 1_000; count += 1) one.text(`42["join_challenge",${join({})}]`);
        return cut(() => ended(one))();
      },
      'closed',
      endedAs('rate_limited'),
    ],
    [
      22,
      'join-leave storm',
      async () => {
        const one = await inside();
        for (let count = 0; count < 500; count += 1)
          one.text(`42["${count % 2 === 0 ? 'join' : 'leave'}_challenge",${join({})}]`);
        return cut(() => ended(one))();
      },
      'closed',
      endedAs('rate_limited'),
    ],
    [
      22,
      'id in upper case',
      asks(() => join({}, own.challengeId.toUpperCase())),
      'answered invalid_request',
      answered('invalid_request'),
    ],
    [
      22,
      'id with spaces',
      asks(() => join({}, ` ${own.challengeId} `)),
      'answered invalid_request',
      answered('invalid_request'),
    ],
    [
      22,
      'id with ../',
      asks(() => join({}, '../../etc/passwd')),
      'answered invalid_request',
      answered('invalid_request'),
    ],
    [22, "another user's", asks(() => join({}, theirs.challengeId)), 'answered forbidden', answered('forbidden')],
    [22, 'not yet existing', asks(() => join({}, aChallengeId())), 'answered forbidden', answered('forbidden')],
    ...['-1', '9223372036854775808', '1.5', '"1"'].map((sequence): Row => [
      23,
      `cursor at ${sequence}`,
      cursor(sequence),
      'answered invalid_request',
      answered('invalid_request'),
    ]),
    [23, 'cursor ahead', cursor('1000000'), 'answered ok', ['tradesense_gateway_recoveries_total', 'result="behind"']],
    [
      23,
      'cursor of another epoch',
      asks(() => join({ cursor: { epoch: 7, sequence: 1 } })),
      'answered ok',
      ['tradesense_gateway_recoveries_total', 'result="epoch"'],
    ],
    [
      24,
      "refresh with another user's token",
      async () => asks(() => JSON.stringify({ token: foreign }), 'refresh_token')(),
      'answered forbidden',
      endedAs('forbidden'),
    ],
    [
      24,
      'refresh with an expired token',
      async () => {
        const expired = await tokens.expired(own.userId);
        return asks(() => JSON.stringify({ token: expired }), 'refresh_token')();
      },
      'answered token_expired',
      answered('token_expired', 'refresh_token'),
    ],
    [
      24,
      'refresh with a shorter token, which is over soon',
      async () => {
        const one = await inside();
        one.text(`421["refresh_token",${JSON.stringify({ token: await tokens.user(own.userId, { livesS: 2 }) })}]`);
        return ended(one);
      },
      'closed 1005',
      endedAs('token_expired'),
    ],
    [
      24,
      'refresh in mid-expiry',
      async () => {
        const one = await inside(await tokens.user(own.userId, { livesS: 4 }));
        await until(() => one.texts.some((text) => text.includes('"token_expired"')), Boolean, { what: 'notice' });
        const before = one.texts.length;
        one.text(`421["refresh_token",${JSON.stringify({ token })}]`);
        return verdict(one, before);
      },
      'answered ok',
      answered('ok', 'refresh_token'),
    ],
    [
      25,
      'connect-disconnect, a thousand from one address',
      async () => {
        const statuses = new Set<number>();
        for (let round = 0; round < 4; round += 1)
          await Promise.all(
            Array.from({ length: 250 }, async () => {
              const one = wire();
              statuses.add(await one.upgrade());
              one.drop();
            }),
          );
        return `HTTP ${[...statuses].join(', ')}`;
      },
      'HTTP 101',
    ],
    [
      25,
      'more at once than an address may have',
      async () => {
        const all = await Promise.all(Array.from({ length: PER_ADDRESS + 10 }, () => wire().upgrade()));
        return `HTTP ${Math.min(...all)}, ${Math.max(...all)}`;
      },
      'HTTP 101, 429',
      away('per_address'),
    ],
    // On two gateways at once: fleet-seats.test.ts.
    [
      25,
      '11th connection of a user',
      async () => {
        const user = await tokens.user(aUserId());
        for (let count = 0; count < 10; count += 1) await inside(user);
        return handshake(() => user)();
      },
      'refused too_many_connections',
      refused('per_user'),
    ],
    // Ends and edges
    ...[999, 1004, 1005, 1006, 1015, 5000].map((code): Row => [
      26,
      `close frame of code ${code}`,
      bytes(frame(Buffer.from([code >> 8, code & 255]), CLOSE)),
      'closed 1002',
      endedAs('transport_error'),
    ]),
    [26, 'close frame of one byte', bytes(frame('x', CLOSE)), 'closed 1002', endedAs('transport_error')],
    [
      26,
      'reset in the middle of a frame',
      async () => {
        const one = await inside();
        one.write(frame('421["join_challenge",{}]').subarray(0, 9));
        await delay(20);
        one.reset();
        return 'gone';
      },
      'gone',
      endedAs('client'),
    ],
    [
      26,
      'half-open peer',
      async () => {
        const one = await inside();
        one.half();
        return ended(one);
      },
      'closed 1006',
      endedAs('client'),
    ],
    [
      27,
      'compression offered',
      async () => {
        const one = wire();
        const status = await one.upgrade({ 'Sec-WebSocket-Extensions': 'permessage-deflate; client_max_window_bits' });
        return `HTTP ${status}${/Sec-WebSocket-Extensions/i.test(one.head) ? ', taken' : ''}`;
      },
      'HTTP 101',
    ],
    [
      27,
      'compression offered badly',
      () => upgrade({ 'Sec-WebSocket-Extensions': 'permessage-deflate; x=;;' }),
      'HTTP 101',
    ],
    [27, 'Sec-WebSocket-Protocol odd', () => upgrade({ 'Sec-WebSocket-Protocol': 'x, x' }), 'HTTP 400'],
    [27, 'Sec-WebSocket-Protocol of two', () => upgrade({ 'Sec-WebSocket-Protocol': 'chat, superchat' }), 'HTTP 101'],
    [27, 'header of 64 KB', () => upgrade({ 'X-Large': 'x'.repeat(64 * KB) }), 'HTTP 431'],
    [
      27,
      'random heads of frames',
      async () => {
        let chance = 1;
        const random = (): number => (chance = (chance * 16_807) % 2_147_483_647) / 2_147_483_647;
        for (let count = 0; count < 30; count += 1) {
          const one = await inside();
          one.write(brokenFrame(Buffer.from('421["x"]'), random));
          one.drop();
        }
        return 'borne';
      },
      'borne',
    ],
  ];

  let foreign: string;
  beforeAll(async () => {
    foreign = await tokens.user(theirs.userId);
  });

  it('each of the 27 has its row', () => {
    expect([...new Set(ROWS.map(([number]) => number))].sort((a, b) => a - b)).toEqual(
      Array.from({ length: 27 }, (_, index) => index + 1),
    );
  });

  // An optional parameter would be jest's own `done`.
  it.each(ROWS.map(([number, what, ...row]) => [`${number} ${what}`, row] as const))('%s', async (_, row) => {
    const [attack, answer, counted] = row;
    const gateway = system.service('gateway');
    const count = async (): Promise<number> =>
      counted === undefined ? 0 : ((await gateway.metric(...counted)) ?? NaN);
    const before = await count();
    const found = await attack();
    for (const one of wires.splice(0)) one.drop();
    const { sequence } = own.cursor;
    await feed.trade(own);
    await bystander.reached(sequence + 1, 5_000);
    const connections = () => gateway.metric('tradesense_gateway_connections');
    await until(connections, (now) => now === 1, { what: 'all others are gone' });
    expect(found).toBe(answer);
    if (counted !== undefined) expect(await count()).toBeGreaterThan(before);
    expect([bystander.joins.length, bystander.gaps, bystander.duplicates]).toEqual([1, [], []]);
    expect(gateway.isRunning).toBe(true);
    expect(gateway.lines.filter((line) => line.includes('"level":"error"'))).toEqual([]);
  });
});

const nowS = (): number => Math.floor(Date.now() / 1000);

/** The same token under another head, which its signature does not cover. */
function withHeader(token: string, more: object): string {
  const [, claims, signature] = token.split('.');
  const head = Buffer.from(JSON.stringify({ alg: 'HS256', ...more })).toString('base64url');
  return [head, claims, signature].join('.');
}
