import pg from 'pg';

import type { EquityUpdated } from '@tradesense/contracts';

import { Client } from '../support/client.js';
import { openStack, type OwnGround } from '../support/stack.js';
import { System } from '../support/system.js';
import { tokens } from '../support/tokens.js';
import { until } from '../support/until.js';

/** After nautechsystems/nautilus_trader#725 and #657: a fee that was in the profit already was taken once more. */
describe('a commission, which realized_pnl contains already', () => {
  let ground: OwnGround;
  let system: System;
  let database: pg.Client;

  beforeAll(async () => {
    ground = await openStack();
    system = await System.start(ground);
    database = new pg.Client({ connectionString: ground.databaseUrl('postgres') });
    await database.connect();
  });
  afterAll(async () => {
    await database?.end();
    await system?.stop();
    await ground?.close();
  });

  it('is taken from no figure a second time: answer, view, frame, snapshot and log agree', async () => {
    const { challenge_id, user_id } = await system.api.open({ initial_balance: '10000.00' });
    const token = await tokens.user(user_id);
    const client = new Client({ url: system.gatewayUrl, token, challengeId: challenge_id });
    await client.joined();

    const steps = [
      { realized_pnl: '0.00', commission: '116.15', equity: '10000.00', total: '0.00' },
      { realized_pnl: '200.00', commission: '16.15', equity: '10200.00', total: '200.00' },
    ];
    for (const [index, { equity, total, ...trade }] of steps.entries()) {
      const answer = await system.api.post(challenge_id, trade);
      const view = await system.api.read(challenge_id);
      await client.reached(index + 1);
      const frame = client.handled.at(-1)?.body as unknown as EquityUpdated;
      // A state may come behind its event: until then the snapshot is the one before, and the event follows it.
      const snapshot = await until(
        async () => {
          const late = new Client({ url: system.gatewayUrl, token, challengeId: challenge_id });
          const joined = await late.joined();
          late.close();
          return joined.snapshot;
        },
        (found) => found?.sequence === index + 1,
        { what: 'the state behind the event' },
      );
      const { rows } = await database.query<{ payload: EquityUpdated }>(
        `select payload from outbox where aggregateid = $1 and type = 'EQUITY_UPDATED' order by position desc limit 1`,
        [challenge_id],
      );
      const places = { answer: answer.challenge.equity, view: view.equity, frame, snapshot: snapshot?.equity };
      for (const [place, figures] of Object.entries({ ...places, log: rows[0]?.payload }))
        expect({ place, equity: figures?.current_equity, total: figures?.total_pnl }).toEqual({ place, equity, total });
      expect([answer.challenge.balance, view.balance]).toEqual([equity, equity]);
    }
    client.close();
    expect(client.handled).toHaveLength(steps.length);
  });

  it('may be negative, a rebate, only if it is refused or counted: never dropped in silence', async () => {
    const { challenge_id } = await system.api.open();
    const path = `/v1/challenges/${challenge_id}/trades`;
    const { status } = await system.api.request('POST', path, {
      trade_id: challenge_id,
      symbol: 'EURUSD',
      realized_pnl: '10.00',
      commission: '-1.50',
      executed_at: new Date(Date.now() - 1_000).toISOString(),
    });
    const { equity } = await system.api.read(challenge_id);
    // Net is net, rebate included: either the trade is refused, or its result alone moves the equity.
    expect([
      [201, '10010.00'],
      [422, '10000.00'],
      [400, '10000.00'],
    ]).toContainEqual([status, equity.current_equity]);
  });
});
