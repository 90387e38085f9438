import pg from 'pg';

import { given } from '../../support/given.js';
import { openStack, type OwnGround } from '../../support/stack.js';
import { System } from '../../support/system.js';
import { until } from '../../support/until.js';

let ground: OwnGround;
let system: System;
let database: pg.Client;

beforeAll(async () => {
  ground = await openStack({ topics: false });
  system = await System.start(ground, { services: ['trade'] });
  database = new pg.Client({ connectionString: ground.databaseUrl('postgres') });
  await database.connect();
});
afterAll(async () => {
  await database?.end();
  await system?.stop();
  await ground?.close();
});

/** Rows of each table that a request may write. */
async function written(): Promise<Readonly<Record<string, number>>> {
  const { rows } = await database.query<Record<string, number>>(
    `select (select count(*)::int from challenge) as challenges, (select count(*)::int from opening) as openings,
            (select count(*)::int from trade) as trades, (select count(*)::int from late_trade) as late_trades,
            (select count(*)::int from outbox) as events`,
  );
  return rows[0]!;
}

/** Each commit fails that has inserted into this table, after all its statements, for as long as `act` runs. */
async function whileRefusing(table: string, act: () => Promise<void>): Promise<void> {
  await database.query(
    `create function refuse() returns trigger language plpgsql as $$ begin raise exception 'no'; end $$`,
  );
  await database.query(`create constraint trigger refuse after insert on ${table} deferrable initially deferred
                        for each row execute function refuse()`);
  await act().finally(() => database.query('drop function refuse cascade'));
}

describe('what one command writes is undone together (P26):', () => {
  const open = (challenge: unknown) => system.api.request('POST', '/v1/challenges', challenge);
  const post = (challengeId: string, trade: unknown) =>
    system.api.request('POST', `/v1/challenges/${challengeId}/trades`, trade);

  it.each([
    [
      'opening a challenge',
      'outbox',
      201,
      async () => {
        const challenge = given.challenge();
        return () => open(challenge);
      },
    ],
    [
      'a trade',
      'outbox',
      201,
      async () => {
        const { challenge_id } = await system.api.open();
        const trade = given.trade();
        return () => post(challenge_id, trade);
      },
    ],
    [
      'a trade after the end',
      'late_trade',
      409,
      async () => {
        const { challenge_id } = await system.api.open();
        await system.api.post(challenge_id, { realized_pnl: '-600.00' });
        const trade = given.trade();
        return () => post(challenge_id, trade);
      },
    ],
  ])('%s', async (_, table, status, prepare) => {
    const command = await prepare();
    const before = await written();
    await whileRefusing(table, async () => {
      expect((await command()).status).toBe(500);
    });
    expect(await written()).toEqual(before);
    expect((await command()).status).toBe(status);
    expect(await written()).not.toEqual(before);
  });
});

/** Whoever inserts into this table stands still behind it, in the middle of the transaction, until `act` opens the gate. */
async function withGate(table: string, act: (open: () => Promise<unknown>) => Promise<void>): Promise<void> {
  const gate = 42;
  await database.query(`create function wait() returns trigger language plpgsql as
                        $$ begin perform pg_advisory_xact_lock(${gate}); return null; end $$`);
  await database.query(`create trigger wait after insert on ${table} for each row execute function wait()`);
  await database.query(`select pg_advisory_lock(${gate})`);
  const open = () => database.query(`select pg_advisory_unlock(${gate})`);
  try {
    await act(open);
  } finally {
    await open();
    await database.query('drop function wait cascade');
  }
}
const standStill = (count: number): Promise<unknown> =>
  until(
    async () =>
      (
        await database.query(
          `select from pg_stat_activity where application_name = 'tradesense-trade' and datname = current_database()
           and wait_event_type = 'Lock'`,
        )
      ).rowCount,
    (found) => found === count,
    { what: `${count} transactions stand still` },
  );

describe('while a trade is under way', () => {
  it('another table may refer to its challenge at once (P9)', async () => {
    const { challenge_id } = await system.api.open();
    await withGate('trade', async (open) => {
      const posted = system.api.post(challenge_id);
      await standStill(1);
      await database.query(`set lock_timeout = '500ms'`); // less than the trade waits
      await database.query(`insert into late_trade (challenge_id, trade_id, meaning, body) values ($1, $2, '', '{}')`, [
        challenge_id,
        given.uuid(),
      ]);
      await open();
      expect((await posted).challenge.sequence).toBe(1);
    });
  });
});

describe('five equal openings, all of which have found nothing', () => {
  it('are one challenge and five equal answers (P10)', async () => {
    const challenge = given.challenge();
    await withGate('challenge', async (open) => {
      const openings = Array.from({ length: 5 }, () => system.api.request('POST', '/v1/challenges', challenge));
      await standStill(5);
      await open();
      const replies = await Promise.all(openings);
      expect(replies.map(({ status }) => status)).toEqual([201, 201, 201, 201, 201]);
      expect(new Set(replies.map(({ body }) => JSON.stringify(body))).size).toBe(1);
      expect(replies.filter(({ headers }) => headers.get('idempotent-replayed') === null)).toHaveLength(1);
    });
  });
});
