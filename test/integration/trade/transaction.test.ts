import pg from 'pg';

import { ObjectLocks } from '../../bench/trading/object-locks.js';
import { given } from '../../support/given.js';
import { contiguousPerChallenge } from '../../support/invariants.js';
import { openStack, type OwnGround } from '../../support/stack.js';
import { System } from '../../support/system.js';
import { whileLocked, whileTradesOf } from '../../support/trade-faults.js';
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

const sum = (amounts: readonly string[]): string =>
  (amounts.reduce((cents, amount) => cents + BigInt(amount.replace('.', '')), 10_000_00n) / 100n).toString();

async function rowsOf(challengeId: string) {
  const { rows } = await database.query<{ type: string; sequence: string; aggregatetype: string; body: string }>(
    `select type, sequence, aggregatetype, payload::text as body from outbox where aggregateid = $1 order by position`,
    [challengeId],
  );
  return rows;
}

const postText = async (challengeId: string, body: unknown) => {
  const { status, headers, text } = await system.api.request('POST', `/v1/challenges/${challengeId}/trades`, body);
  return { status, replayed: headers.get('idempotent-replayed'), text };
};

describe('statements', () => {
  it('go by an index, though their tables are small and were empty when they were planned', async () => {
    const scans = async () => {
      await database.query('select pg_stat_force_next_flush()');
      const { rows } = await database.query<{ name: string; whole: number; by_index: number }>(
        `select relname as name, seq_scan::int as whole, idx_scan::int as by_index
           from pg_stat_user_tables where relname in ('challenge', 'trade') order by relname`,
      );
      return rows;
    };
    const before = await scans();
    const { challenge_id } = await system.api.open();
    for (let count = 0; count < 20; count += 1)
      await system.api.post(challenge_id, given.trade({ realized_pnl: '1.00' }));
    const after = await until(scans, (rows) =>
      rows.every(({ by_index }, place) => by_index >= before[place]!.by_index + 20),
    );
    expect(after.map(({ whole }) => whole)).toEqual(before.map(({ whole }) => whole));
  });

  it('find a trade by its key, not among all trades of its challenge', async () => {
    const { challenge_id } = await system.api.open();
    const [first, ...others] = Array.from({ length: 20 }, () => given.trade({ realized_pnl: '1.00' }));
    for (const trade of [first!, ...others]) await system.api.post(challenge_id, trade);
    await system.api.post(challenge_id, given.trade({ realized_pnl: '-1.00', corrects: first!.trade_id }));
    const read = async () => {
      await database.query('select pg_stat_force_next_flush()');
      const { rows } = await database.query<{ name: string; scans: number }>(
        `select indexrelname as name, idx_scan::int as scans from pg_stat_user_indexes where relname = 'trade' order by name`,
      );
      return Object.fromEntries(rows.map(({ name, scans }) => [name, scans]));
    };
    const scans = await until(read, ({ trade_pkey }) => trade_pkey! >= 21);
    expect(scans).toEqual({ trade_by_number: 0, trade_pkey: scans['trade_pkey'] });
  });
});

describe('trade, challenge and outbox', () => {
  it('say the same: events in order, then the state, as the answer has them', async () => {
    const { challenge_id } = await system.api.open();
    const { text } = await postText(challenge_id, given.trade({ realized_pnl: '-450.00' }));
    const answer = JSON.parse(text) as { challenge: unknown; events: { event_id: string }[] };
    const rows = await rowsOf(challenge_id);
    expect(rows.map(({ type, sequence }) => [type, sequence])).toEqual([
      ['CHALLENGE_STATE', '0'],
      ['EQUITY_UPDATED', '1'],
      ['RISK_ALERT', '2'],
      ['CHALLENGE_STATE', '2'],
    ]);
    const [, equity, alert, state] = rows.map(({ body }) => JSON.parse(body) as { event_id: string });
    expect(answer.events.map(({ event_id }) => event_id)).toEqual([equity?.event_id, alert?.event_id]);
    expect(answer.challenge).toEqual(state);
    expect(text).toContain(rows[3]?.body); // byte for byte
  });

  it('roll back together when the outbox refuses, and the same trade succeeds later', async () => {
    const { challenge_id } = await system.api.open();
    const trade = given.trade();
    await database.query('revoke insert on outbox from tradesense_trade');
    try {
      const reply = await postText(challenge_id, trade);
      expect(reply.status).toBe(500);
      expect(reply.text).not.toMatch(/permission|outbox|insert/i);
    } finally {
      await database.query('grant insert on outbox to tradesense_trade');
    }
    expect((await system.api.read(challenge_id)).equity.total_trades).toBe(0);
    expect(await rowsOf(challenge_id)).toHaveLength(1);
    expect(await postText(challenge_id, trade)).toMatchObject({ status: 201, replayed: null });
  });

  it('roll back together when COMMIT itself is refused', async () => {
    const { challenge_id } = await system.api.open();
    const trade = given.trade({ symbol: 'UNLUCKY' });
    const mischief = { symbol: 'UNLUCKY', plpgsql: `raise exception 'no';`, when: 'deferrable initially deferred' };
    await whileTradesOf(database, mischief, async () => {
      expect((await postText(challenge_id, trade)).status).toBe(500);
    });
    expect(await rowsOf(challenge_id)).toHaveLength(1);
    expect(await postText(challenge_id, trade)).toMatchObject({ status: 201, replayed: null });
  });

  it.each([
    ['a serialisation failure at COMMIT', 'serialization_failure', 'deferrable initially deferred'],
    ['a deadlock', 'deadlock_detected', ''],
  ])('are tried again after %s, unseen', async (_, condition, when) => {
    const { challenge_id } = await system.api.open();
    const plpgsql = `if nextval('attempts') < 3 then raise exception 'again' using errcode = '${condition}'; end if;`;
    await whileTradesOf(database, { symbol: 'CONTENDED', plpgsql, when }, async () => {
      expect(await postText(challenge_id, given.trade({ symbol: 'CONTENDED' }))).toMatchObject({
        status: 201,
        replayed: null,
      });
      const { rows } = await database.query('select last_value from attempts');
      expect(rows).toEqual([{ last_value: '3' }]);
    });
    expect((await rowsOf(challenge_id)).map(({ sequence }) => sequence)).toEqual(['0', '1', '1']);
  });
});

describe('twenty equal posts at once', () => {
  it('are one trade and twenty equal answers', async () => {
    const { challenge_id } = await system.api.open();
    const trade = given.trade();
    const replies = await Promise.all(Array.from({ length: 20 }, () => postText(challenge_id, trade)));
    expect(new Set(replies.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
    expect(replies.filter(({ replayed }) => replayed === null)).toHaveLength(1);
    expect((await system.api.read(challenge_id)).equity).toMatchObject({ total_trades: 1, current_equity: '10200.00' });
    expect(await rowsOf(challenge_id)).toHaveLength(3);
    expect(await postText(challenge_id, { ...trade, realized_pnl: '200.01' })).toMatchObject({ status: 409 });
  });
});

describe('many writers on one challenge', () => {
  it('each see all before them: numbers, sums and positions ascend together', async () => {
    const { challenge_id } = await system.api.open();
    const results = given.swings(50);
    const answers = await Promise.all(results.map((realized_pnl) => system.api.post(challenge_id, { realized_pnl })));
    const numbers = answers.map(({ challenge }) => challenge.equity.total_trades).sort((a, b) => a - b);
    expect(numbers).toEqual(results.map((_, index) => index + 1));
    expect((await system.api.read(challenge_id)).balance).toBe(`${sum(results)}.00`);
    const events = (await rowsOf(challenge_id)).filter(({ aggregatetype }) => aggregatetype === 'challenge-events');
    const bodies = events.map(
      ({ body }) =>
        JSON.parse(body) as {
          challenge_id: string;
          epoch: number;
          sequence: number;
          previous_equity: string;
          current_equity: string;
        },
    );
    expect(contiguousPerChallenge(bodies)).toEqual([]);
    bodies
      .slice(1)
      .forEach(({ previous_equity }, index) => expect(previous_equity).toBe(bodies[index]?.current_equity));
    const { rows } = await database.query(
      'select sum(realized_pnl)::text as total, count(*)::int from trade where challenge_id = $1',
      [challenge_id],
    );
    expect(rows).toEqual([{ total: '0.00', count: 50 }]);
  });
});

describe('a challenge that somebody else has locked', () => {
  const locked = (challengeId: string, act: (release: () => Promise<unknown>) => Promise<void>) =>
    whileLocked(ground.databaseUrl('trade'), [challengeId], act);
  const underWay = () => system.service('trade').metric('tradesense_trade_commands_under_way');

  it('makes its trade wait, and no other', async () => {
    const [mine, other] = [await system.api.open(), await system.api.open()];
    await locked(mine.challenge_id, async (release) => {
      const posted = system.api.post(mine.challenge_id);
      await until(underWay, (count) => count === 1);
      await system.api.post(other.challenge_id);
      expect((await system.api.read(mine.challenge_id)).sequence).toBe(0);
      await release();
      expect((await posted).challenge.sequence).toBe(1);
    });
  });

  it('answers 503 when it stays so, and the trade may be posted again', async () => {
    const { challenge_id } = await system.api.open();
    const trade = given.trade();
    await locked(challenge_id, async () => {
      const { status, headers, body } = await system.api.request(
        'POST',
        `/v1/challenges/${challenge_id}/trades`,
        trade,
      );
      expect([status, body.type, body.outcome]).toEqual([503, 'urn:tradesense:problem:overloaded', 'not_applied']);
      expect(headers.get('retry-after')).toMatch(/^[1-3]$/);
    });
    expect(await postText(challenge_id, trade)).toMatchObject({ status: 201, replayed: null });
  }, 30_000);
});

describe('the database', () => {
  const asTrade = async (text: string): Promise<string> => {
    const client = new pg.Client({ connectionString: ground.databaseUrl('trade') });
    await client.connect();
    try {
      await client.query(text);
      return 'done';
    } catch (error) {
      return (error as { code: string }).code;
    } finally {
      await client.end();
    }
  };

  it.each([
    `update outbox set payload = '{}'`,
    'delete from outbox',
    'truncate outbox',
    'update trade set realized_pnl = 0',
    'delete from trade',
    'update opening set answer = $$x$$',
    'delete from challenge',
    'update challenge set initial_balance = 1',
    `update program set document = '{}'`,
    `update decision set record = '{}'`,
    'delete from decision',
    'update act set answer = $$x$$',
    'update audit set why = $$x$$',
    'delete from audit',
    'truncate audit',
    'update stream set epoch = 1',
    'update stream set swept = 1',
    'create table mine ()',
    'alter table challenge disable trigger all',
  ])('forbids the service: %s', async (text) => {
    expect(await asTrade(text)).toBe('42501');
  });

  it('lets nobody undo an end', async () => {
    const { challenge_id } = await system.api.open();
    await system.api.post(challenge_id, { realized_pnl: '-600.00' });
    for (const change of [
      `status = 'ACTIVE', closed_at = null`,
      `status = 'FUNDED'`,
      'closed_at = now()',
      'balance = balance + 1000',
    ])
      expect(await asTrade(`update challenge set ${change} where id = '${challenge_id}'`)).toBe('23514');
    expect(await asTrade(`update challenge set sequence = sequence where id = '${challenge_id}'`)).toBe('done');
  });

  it('keeps no money that is not a number', async () => {
    const { challenge_id } = await system.api.open();
    for (const value of [`'NaN'`, `'Infinity'`])
      expect(await asTrade(`update challenge set current_equity = ${value} where id = '${challenge_id}'`)).toMatch(
        /^(23514|22003)$/,
      );
  });
});

describe('the wake', () => {
  it('comes after a commit on a connection of its own, and its loss hurts no trade', async () => {
    const { challenge_id } = await system.api.open();
    const listener = new pg.Client({ connectionString: ground.databaseUrl('relay') });
    let heard = 0;
    listener.on('notification', () => (heard += 1));
    await listener.connect();
    try {
      await listener.query('listen tradesense_outbox');
      await system.api.post(challenge_id);
      await until(
        () => heard,
        (count) => count > 0,
      );
      const solo = `from pg_stat_activity where datname = current_database() and application_name = 'tradesense-trade-solo'`;
      await database.query(`select pg_terminate_backend(pid) ${solo}`);
      await system.api.post(challenge_id);
      await until(
        async () => (await database.query(`select ${solo}`)).rowCount,
        (count) => count === 1,
      );
      const before = heard;
      await until(
        async () => {
          await system.api.post(challenge_id, { realized_pnl: '0.00' });
          return heard;
        },
        (count) => count > before,
      );
    } finally {
      await listener.end();
    }
  });

  it('is all that waits while somebody else keeps the lock of NOTIFY: trades never take it (P20)', async () => {
    const { challenge_id } = await system.api.open();
    const noisy = new pg.Client({ connectionString: ground.databaseUrl('postgres') });
    await noisy.connect();
    const locks = await ObjectLocks.watch(ground.databaseUrl('postgres'), 1);
    try {
      await noisy.query('begin');
      await noisy.query(`select pg_notify('noise', number || repeat('x', 7000)) from generate_series(1, 40000) number`);
      let isHeld = true;
      const held = noisy.query('commit').finally(() => (isHeld = false)); // holds it while it writes all of them
      for (let posted = 0; isHeld || posted === 0; posted += 1)
        await system.api.post(challenge_id, { realized_pnl: '0.00' });
      await held;
    } finally {
      await noisy.end();
    }
    const { atWriters, atNotifier } = await locks.stop();
    expect(atNotifier).toBeGreaterThan(0);
    expect(atWriters).toBe(0);
  });
});
