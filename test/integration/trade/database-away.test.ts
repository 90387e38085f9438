import { randomUUID } from 'node:crypto';

import { problemType, type Problem } from '@tradesense/contracts';
import { createLogger } from '@tradesense/platform';
import { TcpProxy } from '@tradesense/local';
import pg from 'pg';

import { Database, DatabaseUnavailable } from '../../../services/trade/src/store/index.js';
import { given } from '../../support/given.js';
import { openStack, type OwnGround } from '../../support/stack.js';
import { System } from '../../support/system.js';
import type { Reply } from '../../support/trade-api.js';
import { until } from '../../support/until.js';

let ground: OwnGround;
let link: TcpProxy;
let system: System;
let database: pg.Client;

const through = (url: string): string => Object.assign(new URL(url), { port: String(link.port) }).href;

beforeAll(async () => {
  ground = await openStack({ topics: false });
  link = new TcpProxy({ host: '127.0.0.1', port: Number(new URL(ground.databaseUrl('trade')).port) });
  await link.start();
  system = await System.start(
    { ...ground, databaseUrl: (role) => through(ground.databaseUrl(role)) },
    { services: ['trade'] },
  );
  database = new pg.Client({ connectionString: ground.databaseUrl('postgres') });
  await database.connect();
});
afterAll(async () => {
  await database?.end();
  await system?.stop();
  await link?.stop();
  await ground?.close();
});
afterEach(async () => {
  await link.heal();
  await until(
    async () => (await system.service('trade').readiness()).status,
    (status) => status === 200,
  );
});

const post = (challengeId: string, trade: unknown): Promise<Reply<Problem>> =>
  system.api.request('POST', `/v1/challenges/${challengeId}/trades`, trade);

function expectAway({ status, headers, body }: Reply<Problem>, outcome: Problem['outcome']): void {
  expect([status, body.type, body.outcome]).toEqual([503, problemType('database-unavailable'), outcome]);
  expect(headers.get('retry-after')).toMatch(/^[1-3]$/);
  expect(JSON.stringify(body)).not.toMatch(/ECONN|postgres|57P/i);
}

const sessions = (condition: string) =>
  `from pg_stat_activity where datname = current_database() and application_name = 'tradesense-trade' and ${condition}`;
const count = async (condition: string): Promise<number> =>
  (await database.query(`select ${sessions(condition)}`)).rowCount ?? 0;

/** One trade of the challenge, and one set of events. */
async function expectOnce(challengeId: string): Promise<void> {
  const { rows } = await database.query(
    `select (select count(*)::int from trade where challenge_id = $1) as trades,
            (select array_agg(sequence::int order by position) from outbox where aggregateid = $1::text) as sequences`,
    [challengeId],
  );
  expect(rows).toEqual([{ trades: 1, sequences: [0, 1, 1] }]);
}

describe('a connection lost while COMMIT is under way', () => {
  it('leaves the outcome unknown, and the same post brings the answer once', async () => {
    const { challenge_id } = await system.api.open();
    const trade = given.trade({ symbol: 'SLOW' });
    await database.query(`create function slowly() returns trigger language plpgsql as
                          $$ begin perform pg_sleep(1); return null; end $$`);
    await database.query(`create constraint trigger slowly after insert on trade deferrable initially deferred
                          for each row when (new.symbol = 'SLOW') execute function slowly()`);
    const posted = post(challenge_id, trade);
    await until(
      () => count(`query = 'commit' and state = 'active'`),
      (found) => found === 1,
    );
    link.cut();
    expectAway(await posted, 'unknown');
    await link.heal();
    await until(
      () => count(`query = 'commit' and state = 'active'`),
      (found) => found === 0,
    );
    const { status, headers } = await post(challenge_id, trade);
    expect([status, headers.get('idempotent-replayed')]).toEqual([201, 'true']);
    await expectOnce(challenge_id);
  });
});

describe('a session that the operator ends', () => {
  it('between two statements costs that request only', async () => {
    const { challenge_id } = await system.api.open();
    const trade = given.trade();
    await database.query('begin');
    await database.query('lock table trade');
    const posted = post(challenge_id, trade);
    await until(
      () => count(`wait_event_type = 'Lock'`),
      (found) => found === 1,
    );
    await database.query(`select pg_terminate_backend(pid) ${sessions('true')}`);
    expectAway(await posted, 'not_applied');
    await database.query('commit');
    expect((await post(challenge_id, trade)).status).toBe(201);
    await expectOnce(challenge_id);
  });

  it('while it is idle is replaced', async () => {
    const { challenge_id } = await system.api.open();
    await database.query(`select pg_terminate_backend(pid) ${sessions('true')}`);
    await until(
      () => count('true'),
      (found) => found === 0,
    );
    // The server's sessions are gone before its goodbye has reached the service.
    const trade = given.trade();
    await until(
      () => post(challenge_id, trade),
      ({ status }) => status === 201,
    );
    await expectOnce(challenge_id);
  });
});

describe('a link that is cut', () => {
  it('is a 503 at once, shows in readiness, and heals without a restart', async () => {
    const { challenge_id } = await system.api.open();
    const trade = given.trade();
    link.cut();
    expectAway(await post(challenge_id, trade), 'not_applied');
    const view = await system.api.request('GET', `/v1/challenges/${challenge_id}`);
    expectAway(view, 'not_applied');
    const { body } = await until(
      () => system.service('trade').readiness(),
      ({ status }) => status === 503,
    );
    expect(JSON.parse(body)).toMatchObject({ checks: { database: { ok: false } } });
    await link.heal();
    const { status } = await until(
      () => post(challenge_id, trade),
      (reply) => reply.status === 201,
    );
    expect(status).toBe(201);
    await expectOnce(challenge_id);
  });
});

describe('a link that is frozen', () => {
  it('bounds every wait: those who hold a connection, and those who wait for one', async () => {
    const { challenge_id } = await system.api.open();
    await Promise.all(Array.from({ length: 10 }, () => post(challenge_id, given.trade({ realized_pnl: '0.00' }))));
    link.freeze();
    const replies = await Promise.all(
      Array.from({ length: 15 }, () => post(challenge_id, given.trade({ realized_pnl: '0.00' }))),
    );
    expect(replies.map(({ status }) => status)).toEqual(Array.from({ length: 15 }, () => 503));
    // Which of the two those hear who wait hangs on who gives up first: a holder of a connection, or they.
    const types = new Set(replies.map(({ body }) => body.type));
    expect(types).toContain(problemType('database-unavailable'));
    types.delete(problemType('overloaded'));
    expect(types.size).toBe(1);
    await link.heal();
    const { challenge } = await system.api.post(challenge_id, { realized_pnl: '1.00' });
    expect(challenge.balance).toBe('10001.00');
  }, 40_000);
});

describe('the pool', () => {
  const log = createLogger({ service: 'trade', instance: 'test', level: 'silent' });
  let pool: Database;
  beforeAll(async () => {
    pool = new Database(ground.databaseUrl('trade'), log);
    await pool.start();
  });
  afterAll(() => pool.stop());

  it('takes no session back that timed out inside a transaction', async () => {
    const { challenge_id } = await system.api.open();
    const late = `insert into late_trade (challenge_id, trade_id, meaning, body) values ($1, $2, '', '{}')`;
    let pid = 0;
    const timedOut = pool.transact(async (transaction) => {
      await transaction.begun;
      [{ pid }] = (await transaction.query('select pg_backend_pid() as pid')) as [{ pid: number }];
      await transaction.query(`select set_config('statement_timeout', '50ms', true)`);
      await transaction.query(late, [challenge_id, given.uuid()]);
      await transaction.query('select pg_sleep(5)');
    });
    await expect(timedOut).rejects.toBeInstanceOf(DatabaseUnavailable);
    await until(
      () => count(`pid = ${pid}`),
      (found) => found === 0,
    );
    await pool.transact(async (transaction) => {
      await transaction.query(late, [challenge_id, given.uuid()]);
    });
    const { rows } = await database.query('select count(*)::int from late_trade where challenge_id = $1', [
      challenge_id,
    ]);
    expect(rows).toEqual([{ count: 1 }]);
  });

  it('never calls a transaction committed that was not, though its error was swallowed', async () => {
    const swallowed = pool.transact(async (transaction) => {
      await transaction.query('select 1 / 0').catch(() => undefined);
      return 'saved';
    });
    await expect(swallowed).rejects.toMatchObject({ code: 'commit-refused' });
  });

  it('answers no statement after the end of its transaction', async () => {
    const leaked = await pool.transact(async (transaction) => transaction);
    await expect(leaked.query('select 1')).rejects.toMatchObject({ code: 'transaction-over' });
  });

  it('commits as durably as it says, and bounds transactions on the server', async () => {
    const [limits] = await pool.transact(async (transaction) =>
      transaction.query<Record<string, string>>(
        `select current_setting('synchronous_commit') as commits, current_setting('transaction_timeout', true) as transaction,
                current_setting('lock_timeout') as lock, current_setting('idle_in_transaction_session_timeout') as idle`,
      ),
    );
    expect(limits).toEqual({ commits: 'on', transaction: '10s', lock: '2s', idle: '5s' });
  });
});

describe('a service that is there before its database', () => {
  it('waits, says what for, and starts when the tables are made', async () => {
    const name = `late_${randomUUID().replaceAll('-', '')}`;
    const at = (role: 'trade' | 'postgres', path: string) =>
      Object.assign(new URL(ground.databaseUrl(role)), { pathname: path }).href;
    const admin = new pg.Client({ connectionString: at('postgres', 'postgres') });
    await admin.connect();
    await admin.query(`create database ${name}`);
    const launched = System.start({ ...ground, databaseUrl: () => at('trade', name) }, { services: ['trade'] });
    await until(
      async () => (await admin.query('select from pg_stat_activity where datname = $1', [name])).rowCount,
      (found) => (found ?? 0) > 0,
    );
    await admin.query(`drop database ${name} with (force)`);
    await admin.query(`create database ${name} template tradesense`);
    const late = await launched;
    try {
      expect((await late.api.open()).sequence).toBe(0);
      expect(late.service('trade').logged('waiting for the migrated database')).not.toEqual([]);
    } finally {
      await late.stop();
      await admin.query(`drop database ${name} with (force)`);
      await admin.end();
    }
  });
});
