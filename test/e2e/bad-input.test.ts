import type { ChallengeState, Problem } from '@tradesense/contracts';
import pg from 'pg';

import { Client } from '../support/client.js';
import { given } from '../support/given.js';
import { RawSocket } from '../support/raw-socket.js';
import { openStack, type OwnGround } from '../support/stack.js';
import { System } from '../support/system.js';
import { tokens } from '../support/tokens.js';
import { TradeApi } from '../support/trade-api.js';
import { until } from '../support/until.js';

const MEGABYTE = 1024 * 1024;

describe('bad input', () => {
  let ground: OwnGround;
  let system: System;
  let database: pg.Client;
  let challenge: ChallengeState;

  beforeAll(async () => {
    ground = await openStack();
    system = await System.start(ground);
    database = new pg.Client({ connectionString: ground.databaseUrl('postgres') });
    await database.connect();
    challenge = await system.api.open();
  });
  afterAll(async () => {
    await database?.end();
    await system?.stop();
    await ground?.close();
  });

  describe('over HTTP is answered with a problem document, and nothing is written', () => {
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

  describe('over a socket is answered or ends it; the gateway lives and others notice nothing', () => {
    const join = (more = '') => `42["join_challenge"${more}]`;
    const CASES: readonly (readonly [string, readonly (string | Buffer)[]])[] = [
      ['a null payload', [join(',null')]],
      ['no payload', [join()]],
      ['an array for a payload', [join(',[]')]],
      ['a number for a challenge', [join(',{"challenge_id":7}')]],
      ['a cursor that is text', [join(',{"challenge_id":"00000000-0000-4000-8000-000000000000","cursor":"x"}')]],
      ['an unknown event', ['42["drop_tables",{}]']],
      ['an event called like a method', ['42["constructor",{}]']],
      ['a message of 1 MB', [join(`,"${'x'.repeat(MEGABYTE)}"`)]],
      ['binary', ['451-["join_challenge",{"_placeholder":true,"num":0}]', Buffer.from([1, 2, 3])]],
      ['an acknowledgement that is no function', [join(',{"challenge_id":"x"},"call me"')]],
      ['a packet that is no JSON', ['42["join_challenge",{']],
      ['an event without a name', ['42[]']],
      ['a packet of no known type', ['9']],
    ];
    it.each(CASES)('%s', async (_, messages) => {
      const gateway = system.service('gateway');
      const token = await tokens.user(challenge.user_id);
      const other = new Client({ url: system.gatewayUrl, token, challengeId: challenge.challenge_id });
      await other.joined();
      const hostile = await RawSocket.open(system.gatewayUrl, await tokens.user(given.userId()));
      const known = hostile.heard.length;

      for (const message of messages) hostile.send(message);
      await until(
        () => ({ answers: hostile.heard.slice(known), closed: hostile.closed }),
        ({ answers, closed }) => answers.length > 0 || closed !== undefined,
        { what: 'an answer or a close' },
      );
      hostile.end();

      const { sequence } = other.cursor!;
      await system.api.post(challenge.challenge_id, { realized_pnl: sequence % 2 === 0 ? '1.00' : '-1.00' });
      await other.reached(sequence + 1);
      other.close();
      expect(other.joins).toHaveLength(1); // it never lost its connection
      expect(gateway.isRunning).toBe(true);
      expect((await gateway.readiness()).status).toBe(200);
    });
  });
});
