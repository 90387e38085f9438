import type { ChallengeState, Problem } from '@tradesense/contracts';
import pg from 'pg';

import { given } from '../support/given.js';
import { openStack, type OwnGround } from '../support/stack.js';
import { System } from '../support/system.js';
import { tokens } from '../support/tokens.js';
import { TradeApi } from '../support/trade-api.js';

const MEGABYTE = 1024 * 1024;

describe('a bad request is answered with a problem document, and nothing is written', () => {
  let ground: OwnGround;
  let system: System;
  let database: pg.Client;
  let challenge: ChallengeState;

  beforeAll(async () => {
    ground = await openStack();
    system = await System.start(ground, { services: ['trade'] });
    database = new pg.Client({ connectionString: ground.databaseUrl('postgres') });
    await database.connect();
    challenge = await system.api.open();
  });
  afterAll(async () => {
    await database?.end();
    await system?.stop();
    await ground?.close();
  });

  const written = async () =>
    (await database.query(`select count(*)::int as rows, max(position)::int as head from outbox`)).rows[0] as unknown;

  interface Sent {
    readonly body: string;
    readonly challengeId?: string;
    readonly contentType?: string;
  }
  const trade = (facts: object = {}) => JSON.stringify({ ...given.trade(), ...facts });
  const CASES: readonly (readonly [string, () => Sent, number, string])[] = [
    ['malformed JSON', () => ({ body: '{"trade_id": ' }), 400, 'malformed-json'],
    ['a JSON number for money', () => ({ body: trade({ realized_pnl: 200 }) }), 400, 'invalid-request'],
    ['NUL in a string', () => ({ body: trade({ symbol: 'EUR\u0000USD' }) }), 400, 'invalid-request'],
    ['an unknown challenge', () => ({ body: trade(), challengeId: given.uuid() }), 404, 'not-found'],
    ['a body of 1 MB', () => ({ body: trade({ symbol: 'x'.repeat(MEGABYTE) }) }), 413, 'too-large'],
    ['an extra "status": "FUNDED"', () => ({ body: trade({ status: 'FUNDED' }) }), 400, 'invalid-request'],
    ['a wrong content type', () => ({ body: trade(), contentType: 'text/plain' }), 415, 'unsupported-media-type'],
    ['three decimals', () => ({ body: trade({ realized_pnl: '0.001' }) }), 422, 'rule-violation'],
    [
      'a trade of the future',
      () => ({ body: trade({ executed_at: new Date(Date.now() + 60_000).toISOString() }) }),
      422,
      'rule-violation',
    ],
  ];
  it.each(CASES)('%s', async (_, make, status, code) => {
    const { body, challengeId = challenge.challenge_id, contentType = 'application/json' } = make();
    const before = await written();
    const response = await fetch(`${system.tradeUrl}/v1/challenges/${challengeId}/trades`, {
      method: 'POST',
      headers: { authorization: `Bearer ${await tokens.service()}`, 'content-type': contentType },
      body,
    });
    expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    const problem = (await response.json()) as Problem;
    expect(problem).toMatchObject({ status, type: `urn:tradesense:problem:${code}`, outcome: 'not_applied' });
    expect(problem.request_id).toEqual(expect.any(String));
    expect(response.status).toBe(status);
    expect(await written()).toEqual(before);
  });

  it('someone else’s challenge, which looks like one that does not exist', async () => {
    const stranger = new TradeApi(system.tradeUrl, await tokens.user(given.userId()));
    const foreign = await stranger.request('GET', `/v1/challenges/${challenge.challenge_id}`);
    const unknown = await stranger.request('GET', `/v1/challenges/${given.uuid()}`);
    expect([foreign.status, unknown.status]).toEqual([404, 404]);
    const telling = ({ type, title, status, outcome }: Problem) => ({ type, title, status, outcome });
    expect(telling(foreign.body)).toEqual(telling(unknown.body));
  });

  it('a trader who posts a trade for themselves', async () => {
    const before = await written();
    const trader = new TradeApi(system.tradeUrl, await tokens.user(challenge.user_id));
    const path = `/v1/challenges/${challenge.challenge_id}/trades`;
    const { status, body } = await trader.request('POST', path, given.trade());
    expect([status, body.type]).toEqual([403, 'urn:tradesense:problem:forbidden']);
    expect(await written()).toEqual(before);
  });
});
