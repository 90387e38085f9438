import { Socket } from 'node:net';

import { ChallengeState, problemType, type Problem, type ProblemCode } from '@tradesense/contracts';
import pg from 'pg';
import { Value } from 'typebox/value';

import { given } from '../../support/given.js';
import { openStack, type OwnGround } from '../../support/stack.js';
import { System } from '../../support/system.js';
import { tokens } from '../../support/tokens.js';
import { TradeApi } from '../../support/trade-api.js';

let ground: OwnGround;
let system: System;
let database: pg.Client;

beforeAll(async () => {
  ground = await openStack({ topics: false });
  system = await System.start(ground, { services: ['trade'] });
  database = new pg.Client({ connectionString: ground.databaseUrl('migrator') });
  await database.connect();
});
afterAll(async () => {
  await database?.end();
  await system?.stop();
  await ground?.close();
});

const apiOf = async (userId: string) => new TradeApi(system.tradeUrl, await tokens.user(userId));

/** Everything that is written, counted. */
async function written(): Promise<unknown> {
  const tables = ['challenge', 'opening', 'trade', 'late_trade', 'outbox'];
  const counts = tables.map((table) => `(select count(*) from ${table}) as ${table}`);
  return (await database.query(`select ${counts.join(', ')}`)).rows[0];
}

/** The refusal of a request, which must have written nothing. */
async function refused(
  method: string,
  path: string,
  { body, headers = {} }: { body?: string | Uint8Array<ArrayBuffer>; headers?: Record<string, string> } = {},
) {
  const before = await written();
  const response = await fetch(`${system.tradeUrl}${path}`, {
    method,
    headers: { authorization: `Bearer ${await tokens.service()}`, 'content-type': 'application/json', ...headers },
    ...(body === undefined ? {} : { body }),
  });
  expect(await written()).toEqual(before);
  const problem = (await response.json()) as Problem;
  expect(response.headers.get('content-type')).toBe('application/problem+json');
  expect(problem.request_id).toBe(response.headers.get('x-request-id'));
  expect(problem).toMatchObject({ status: response.status, outcome: 'not_applied', title: expect.any(String) });
  return { problem, headers: response.headers, paths: problem.errors?.map(({ path }) => path) };
}

const trade = (change: Record<string, unknown>): string => JSON.stringify({ ...given.trade(), ...change });

describe('opening a challenge', () => {
  it('answers 201 with its place and its view, which its owner reads as well', async () => {
    const request = given.challenge();
    const { status, headers, body } = await system.api.request<ChallengeState>('POST', '/v1/challenges', request);
    expect(status).toBe(201);
    expect(headers.get('location')).toBe(`/v1/challenges/${request.challenge_id}`);
    expect([...Value.Errors(ChallengeState, body)]).toEqual([]);
    expect(body).toMatchObject({ challenge_id: request.challenge_id, sequence: 0, balance: '10000.00' });
    expect(await (await apiOf(request.user_id)).read(request.challenge_id)).toEqual(body);
  });

  it('is answered again byte for byte, and refused with another meaning', async () => {
    const request = given.challenge({ initial_balance: '50000.00' });
    const post = async (body: unknown) => {
      const response = await fetch(`${system.tradeUrl}/v1/challenges`, {
        method: 'POST',
        headers: { authorization: `Bearer ${await tokens.service()}`, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
      return {
        status: response.status,
        replayed: response.headers.get('idempotent-replayed'),
        text: await response.text(),
      };
    };
    const first = await post(request);
    expect(first).toMatchObject({ status: 201, replayed: null });
    expect(await post({ ...request, initial_balance: '50000' })).toEqual({ ...first, replayed: 'true' });
    await system.api.post(request.challenge_id);
    expect(await post(request)).toEqual({ ...first, replayed: 'true' });
    expect(await post({ ...request, initial_balance: '50000.01' })).toMatchObject({ status: 409 });
    const many = await Promise.all(
      Array.from({ length: 20 }, () => post(given.challenge({ challenge_id: request.challenge_id }))),
    );
    expect(many.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 409));
  });

  it('happens once, however many ask at once', async () => {
    const request = given.challenge();
    const replies = await Promise.all(
      Array.from({ length: 20 }, () => system.api.request('POST', '/v1/challenges', request)),
    );
    expect(replies.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 201));
    expect(replies.filter(({ headers }) => headers.get('idempotent-replayed') === null)).toHaveLength(1);
    const { rows } = await database.query('select sequence from outbox where aggregateid = $1', [request.challenge_id]);
    expect(rows).toEqual([{ sequence: '0' }]);
  });
});

describe('a posted trade', () => {
  it('is net of its commission, and everybody says so (C1)', async () => {
    const { challenge_id, user_id } = await system.api.open();
    const owner = await apiOf(user_id);
    const posts = [
      { realized_pnl: '0.00', commission: '116.15', balance: '10000.00', total: '0.00' },
      { realized_pnl: '200.00', commission: '16.15', balance: '10200.00', total: '200.00' },
    ];
    for (const { realized_pnl, commission, balance, total } of posts) {
      const answer = await system.api.post(challenge_id, { realized_pnl, commission });
      expect(answer.challenge).toMatchObject({ balance, equity: { current_equity: balance, total_pnl: total } });
      const viewed = await owner.read(challenge_id);
      expect(viewed).toEqual(answer.challenge);
      const { rows } = await database.query<{ payload: string }>(`select payload from outbox where id = $1`, [
        answer.events[0]?.event_id,
      ]);
      expect(rows[0]?.payload).toMatchObject({ current_equity: balance, total_pnl: total, trade_pnl: realized_pnl });
    }
    const { body } = await owner.request<{ items: unknown[] }>('GET', `/v1/challenges/${challenge_id}/trades`);
    expect(body.items).toMatchObject(posts.map(({ balance, commission }) => ({ balance, commission })));
  });

  it('refuses a rebate as commission, which would be lost', async () => {
    const { challenge_id } = await system.api.open();
    const { problem, paths } = await refused('POST', `/v1/challenges/${challenge_id}/trades`, {
      body: trade({ realized_pnl: '0.00', commission: '-5.00' }),
    });
    expect(problem.type).toBe(problemType('rule-violation'));
    expect(paths).toEqual(['/commission']);
  });

  it('may correct an earlier one, which stays', async () => {
    const { challenge_id } = await system.api.open();
    const wrong = await system.api.post(challenge_id, { realized_pnl: '-120.00' });
    const { challenge } = await system.api.post(challenge_id, { realized_pnl: '120.00', corrects: wrong.trade_id });
    expect(challenge).toMatchObject({ balance: '10000.00', equity: { total_trades: 2 } });
    const { paths } = await refused('POST', `/v1/challenges/${challenge_id}/trades`, {
      body: trade({ corrects: given.uuid() }),
    });
    expect(paths).toEqual(['/corrects']);
  });

  it('says -0 as 0.00', async () => {
    const { challenge_id } = await system.api.open();
    const { challenge } = await system.api.post(challenge_id, { realized_pnl: '-0' });
    expect(challenge.equity.trade_pnl).toBe('0.00');
  });

  it('for a challenge that has ended is refused, and kept for support', async () => {
    const { challenge_id } = await system.api.open();
    const end = given.trade({ realized_pnl: '-600.00' });
    const path = `/v1/challenges/${challenge_id}/trades`;
    expect((await system.api.post(challenge_id, end)).challenge.status).toBe('FAILED');
    const late = given.trade();
    for (const _ of [1, 2]) {
      const { status, body } = await system.api.request('POST', path, late);
      expect([status, body.type]).toEqual([409, problemType('challenge-closed')]);
    }
    const { rows } = await database.query(
      `select trade_id, body->>'realized_pnl' as pnl from late_trade where challenge_id = $1`,
      [challenge_id],
    );
    expect(rows).toEqual([{ trade_id: late.trade_id, pnl: '200.00' }]);
    const again = await system.api.request('POST', path, end);
    expect([again.status, again.headers.get('idempotent-replayed')]).toEqual([201, 'true']);
  });
});

describe('the list of a challenge’s trades', () => {
  it('comes in pages, in the order they were applied', async () => {
    const { challenge_id, user_id } = await system.api.open();
    for (const pnl of ['1.00', '2.00', '3.00', '4.00', '5.00'])
      await system.api.post(challenge_id, { realized_pnl: pnl });
    const owner = await apiOf(user_id);
    interface Page {
      items: { number: number; realized_pnl: string }[];
      next_cursor: string | null;
    }
    const seen: string[] = [];
    let query = '?limit=2';
    for (let pages = 1; pages <= 3; pages += 1) {
      const { body } = await owner.request<Page>('GET', `/v1/challenges/${challenge_id}/trades${query}`);
      seen.push(...body.items.map(({ realized_pnl }) => realized_pnl));
      query = `?limit=2&cursor=${body.next_cursor}`;
      expect(body.next_cursor === null).toBe(pages === 3);
    }
    expect(seen).toEqual(['1.00', '2.00', '3.00', '4.00', '5.00']);
  });

  it('refuses a cursor of another list, and limits beyond 200', async () => {
    const first = await system.api.open();
    const second = await system.api.open();
    for (const _ of [1, 2]) await system.api.post(first.challenge_id);
    const { body } = await system.api.request<{ next_cursor: string }>(
      'GET',
      `/v1/challenges/${first.challenge_id}/trades?limit=1`,
    );
    for (const query of [
      `cursor=${body.next_cursor}`,
      'cursor=x',
      'limit=0',
      'limit=201',
      'limit=1e1',
      'cursor=a&cursor=b',
    ]) {
      const { problem } = await refused('GET', `/v1/challenges/${second.challenge_id}/trades?${query}`);
      expect([query, problem.status]).toEqual([query, 400]);
    }
  });
});

describe('who may', () => {
  it('read a challenge: its owner and services; to others it is not there', async () => {
    const { challenge_id, user_id } = await system.api.open();
    for (const path of [`/v1/challenges/${challenge_id}`, `/v1/challenges/${challenge_id}/trades`]) {
      expect((await (await apiOf(user_id)).request('GET', path)).status).toBe(200);
      const stranger = await (await apiOf(given.userId())).request('GET', path);
      const nobody = await system.api.request('GET', path.replace(challenge_id, given.uuid()));
      expect(stranger.status).toBe(404);
      expect({ ...stranger.body, request_id: '' }).toEqual({ ...nobody.body, request_id: '' });
    }
    expect((await (await apiOf(user_id.toUpperCase())).request('GET', `/v1/challenges/${challenge_id}`)).status).toBe(
      404,
    );
  });

  it('post: services only, with a valid token', async () => {
    const { challenge_id, user_id } = await system.api.open();
    const path = `/v1/challenges/${challenge_id}/trades`;
    const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
    const cases: [Record<string, string>, ProblemCode, string | undefined][] = [
      [bearer(await tokens.user(user_id)), 'forbidden', 'insufficient_scope'],
      [bearer(await tokens.service({ claims: { scope: 'ops:read' } })), 'forbidden', 'insufficient_scope'],
      [bearer(await tokens.expired(user_id)), 'token-expired', 'invalid_token'],
      [bearer(await tokens.forged(user_id)), 'unauthenticated', 'invalid_token'],
      [bearer(tokens.unsigned(user_id)), 'unauthenticated', 'invalid_token'],
      [{ authorization: 'Basic YTpi' }, 'unauthenticated', 'invalid_token'],
    ];
    for (const [headers, code, challenge] of cases) {
      const { problem, headers: answered } = await refused('POST', path, { body: trade({}), headers });
      expect(problem.type).toBe(problemType(code));
      expect(answered.get('www-authenticate')).toContain(challenge);
    }
  });
});

describe('bad input', () => {
  let path: string;
  beforeAll(async () => {
    path = `/v1/challenges/${(await system.api.open()).challenge_id}/trades`;
  });

  const cases: [what: string, body: string | Uint8Array<ArrayBuffer>, code: ProblemCode, paths?: string[]][] = [
    ['malformed JSON', '{"trade_id":', 'malformed-json'],
    ['no body', '', 'malformed-json'],
    ['bytes that are no UTF-8', Uint8Array.of(0x22, 0xff, 0x22), 'malformed-json'],
    ['a member twice', `{"realized_pnl":"1.00","realized_pnl":"900.00"}`, 'malformed-json'],
    ['a list', '[]', 'invalid-request', ['']],
    ['a JSON number for money', trade({ realized_pnl: 200 }), 'invalid-request', ['/realized_pnl']],
    ['an exponent', trade({ realized_pnl: '1e5' }), 'invalid-request', ['/realized_pnl']],
    ['NaN', trade({ realized_pnl: 'NaN' }), 'invalid-request', ['/realized_pnl']],
    ['13 digits', trade({ realized_pnl: '1000000000000' }), 'invalid-request', ['/realized_pnl']],
    [
      'three decimals',
      trade({ realized_pnl: '1.005', commission: '0.001' }),
      'rule-violation',
      ['/commission', '/realized_pnl'],
    ],
    ['NUL in a string', trade({ symbol: 'EUR\0USD' }), 'invalid-request', ['/symbol']],
    ['half a surrogate pair', `{"symbol":"\\ud800"}`, 'invalid-request', ['/symbol']],
    ['an extra status', trade({ status: 'FUNDED' }), 'invalid-request', ['/status']],
    ['a member that would be lost', `{"__proto__":{"status":"FUNDED"}}`, 'invalid-request', ['']],
    ['a UUID in upper case', trade({ trade_id: given.uuid().toUpperCase() }), 'invalid-request', ['/trade_id']],
    ['a time without a zone', trade({ executed_at: '2026-01-01T10:00:00' }), 'invalid-request', ['/executed_at']],
    ['the 30th of February', trade({ executed_at: '2026-02-30T10:00:00Z' }), 'invalid-request', ['/executed_at']],
    [
      'a time to come',
      trade({ executed_at: new Date(Date.now() + 60_000).toISOString() }),
      'rule-violation',
      ['/executed_at'],
    ],
    ['a blank symbol', trade({ symbol: '  ' }), 'invalid-request', ['/symbol']],
    ['another side', trade({ side: 'LONG' }), 'invalid-request', ['/side']],
    [
      'everything wrong at once',
      trade({ trade_id: 1, symbol: [], realized_pnl: null, executed_at: {}, x: 1 }),
      'invalid-request',
      ['/executed_at', '/realized_pnl', '/symbol', '/trade_id', '/x'],
    ],
    ['1 MB', trade({ symbol: 'x'.repeat(1_000_000) }), 'too-large'],
  ];
  it.each(cases.map(([what, body, code, paths = null]) => ({ what, body, code, paths })))(
    '$what',
    async ({ body, code, paths }) => {
      const { problem, paths: found } = await refused('POST', path, { body });
      expect([problem.type, found?.sort() ?? null]).toEqual([problemType(code), paths]);
    },
  );

  it.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'application/json; charset=iso-8859-1',
    'multipart/form-data',
    'nonsense',
  ])('the content type %s', async (type) => {
    const { problem } = await refused('POST', path, { body: trade({}), headers: { 'content-type': type } });
    expect(problem.type).toBe(problemType('unsupported-media-type'));
  });

  it.each<[string, string, ProblemCode]>([
    ['POST', `/v1/challenges/${given.uuid()}/trades`, 'not-found'],
    ['POST', '/v1/challenges/nonsense/trades', 'not-found'],
    ['POST', '/v1/nowhere', 'not-found'],
    ['POST', '/v1/challenges/', 'not-found'],
    ['POST', '/v1/challenges/%zz/trades', 'not-found'],
    ['DELETE', '/v1/challenges', 'method-not-allowed'],
  ])('%s %s', async (method, elsewhere, code) => {
    const { problem, headers } = await refused(method, elsewhere, method === 'POST' ? { body: trade({}) } : {});
    expect(problem.type).toBe(problemType(code));
    expect(headers.get('allow')).toBe(code === 'method-not-allowed' ? 'POST, GET, HEAD' : null);
  });

  it('of a challenge: unknown program, worthless balance, too long a user', async () => {
    const open = async (change: Record<string, unknown>) =>
      refused('POST', '/v1/challenges', { body: JSON.stringify({ ...given.challenge(), ...change }) });
    expect((await open({ program: 'nonsense' })).paths).toEqual(['/program']);
    expect((await open({ initial_balance: '0.00' })).paths).toEqual(['/initial_balance']);
    expect((await open({ user_id: 'x'.repeat(129) })).paths).toEqual(['/user_id']);
    expect((await open({ user_id: '😀'.repeat(129) })).paths).toEqual(['/user_id']);
  });

  it.each(['/v1/challenges', '/v1/trades', '/v1/marks', `/v1/challenges/${given.uuid()}/trades`])(
    'nothing at all, and no word of its type, for %s',
    async (elsewhere) => {
      const { headers, body } = await system.api.request('POST', elsewhere);
      expect(body.type).toBe(problemType('malformed-json'));
      expect(headers.get('content-type')).toBe('application/problem+json');
    },
  );

  it.each([
    ['user_id', '%00'],
    ['user_id', 'trader%0A'],
    ['user_id', 'trader&user_id=trader'],
    ['cursor', Buffer.from(`challenges 1 ${'-'.repeat(36)}`).toString('base64url')],
    ['cursor', Buffer.from(`challenges 1 ${given.uuid()}0`).toString('base64url')],
    ['cursor', '%00'],
    ['status', 'active'],
    ['limit', '1e2'],
  ])('in the query of a list: %s=%s', async (name, value) => {
    const query = name === 'user_id' ? '' : 'user_id=trader&';
    const { problem } = await refused('GET', `/v1/challenges?${query}${name}=${value}`);
    expect([problem.type, problem.detail]).toEqual([
      problemType('invalid-request'),
      expect.stringContaining(`The query's ${name} `),
    ]);
  });

  it('that is not even HTTP', async () => {
    const answer = await new Promise<string>((resolve, reject) => {
      const chunks: Buffer[] = [];
      const socket = new Socket().connect(Number(new URL(system.tradeUrl).port), '127.0.0.1');
      socket.on('data', (chunk: Buffer) => chunks.push(chunk)).on('error', reject);
      socket.on('close', () => resolve(Buffer.concat(chunks).toString()));
      socket.write('nonsense\r\n\r\n');
    });
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(answer).toContain('content-type: application/problem+json');
    const [id] = /(?<=x-request-id: ).+(?=\r\n)/.exec(answer) ?? [];
    expect(answer).toContain(`"request_id":"${id}"`);
  });
});

describe('the metrics', () => {
  it('count requests and outcomes by closed sets: no id, no path, no text', async () => {
    const { challenge_id } = await system.api.open();
    await system.api.post(challenge_id);
    await system.api.request('GET', `/v1/${challenge_id}`);
    const metrics = await system.service('trade').metrics();
    expect(metrics).toMatch(
      /tradesense_trade_requests_total\{method="POST",route="\/v1\/challenges\/:id\/trades",status="201"\} \d+/,
    );
    expect(metrics).toMatch(/tradesense_trade_requests_total\{method="any",route="none",status="404"\} \d+/);
    expect(metrics).toMatch(/tradesense_trade_commands_total\{command="trade",outcome="accepted"\} \d+/);
    expect(metrics).toMatch(/tradesense_trade_command_seconds_count\{command="trade"\} \d+/);
    expect(metrics).not.toContain(challenge_id);
  });
});

describe('the frame of a request', () => {
  it('carries its id through, and its trace into the outbox', async () => {
    const { challenge_id } = await system.api.open();
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const post = async (headers: Record<string, string>) => {
      const response = await fetch(`${system.tradeUrl}/v1/challenges/${challenge_id}/trades`, {
        method: 'POST',
        headers: { authorization: `Bearer ${await tokens.service()}`, 'content-type': 'application/json', ...headers },
        body: trade({}),
      });
      expect(response.status).toBe(201);
      return response.headers.get('x-request-id');
    };
    expect(await post({ traceparent, 'x-request-id': 'caller-7' })).toBe('caller-7');
    expect(await post({ traceparent: 'nonsense', 'x-request-id': 'no good id' })).toMatch(/^[0-9a-f-]{36}$/);
    const { rows } = await database.query(
      `select distinct sequence, traceparent from outbox where aggregateid = $1 and sequence > 0 order by sequence`,
      [challenge_id],
    );
    expect(rows).toEqual([
      { sequence: '1', traceparent },
      { sequence: '2', traceparent: null },
    ]);
  });

  it('lets pages of the listed origins read, and no others, and none of them post', async () => {
    const { challenge_id, user_id } = await system.api.open();
    const url = `${system.tradeUrl}/v1/challenges/${challenge_id}`;
    const allowed = new URL(system.dashboardUrl).origin;
    const asked = async (origin: string, method: string) => {
      const preflight = await fetch(url, {
        method: 'OPTIONS',
        headers: { origin, 'access-control-request-method': method, 'access-control-request-headers': 'authorization' },
      });
      return [
        preflight.status,
        preflight.headers.get('access-control-allow-origin'),
        preflight.headers.get('access-control-allow-methods'),
      ];
    };
    expect(await asked(allowed, 'GET')).toEqual([204, allowed, 'GET, HEAD']);
    expect(await asked(allowed, 'POST')).toEqual([204, allowed, 'GET, HEAD']);
    expect((await asked('https://evil.example', 'GET'))[1]).toBeNull();
    expect((await asked('null', 'GET'))[1]).toBeNull();
    const read = async (origin: string) =>
      (await fetch(url, { headers: { origin, authorization: `Bearer ${await tokens.user(user_id)}` } })).headers;
    expect((await read(allowed)).get('access-control-allow-origin')).toBe(allowed);
    expect((await read('https://evil.example')).get('access-control-allow-origin')).toBeNull();
    expect((await read('https://evil.example')).get('vary')).toBe('origin');
  });
});
