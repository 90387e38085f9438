import { setTimeout as delay } from 'node:timers/promises';

import type { Problem } from '@tradesense/contracts';
import pg from 'pg';

import { unbalanced } from '../../support/books.js';
import { given, type TradeRequest } from '../../support/given.js';
import { quietChallenges } from '../../support/quiet-challenges.js';
import { openStack, type OwnGround } from '../../support/stack.js';
import { System } from '../../support/system.js';
import type { Reply, TradeAnswer } from '../../support/trade-api.js';
import { idInLane, laneOf, whileLocked, whileTradesOf } from '../../support/trade-faults.js';
import { until } from '../../support/until.js';

let ground: OwnGround;
let one: System;
let two: System;
let database: pg.Client;

beforeAll(async () => {
  ground = await openStack({ topics: false });
  one = await System.start(ground, { services: ['trade'] });
  two = await System.start(ground, { services: ['trade'] });
  database = new pg.Client({ connectionString: ground.databaseUrl('postgres') });
  await database.connect();
});
afterAll(async () => {
  await database?.end();
  await two?.stop();
  await one?.stop();
  await ground?.close();
});

const pathOf = (challengeId: string): string => `/v1/challenges/${challengeId}/trades`;
const post = (system: System, challengeId: string, trade: TradeRequest, signal?: AbortSignal) =>
  system.api.request<TradeAnswer | Problem>('POST', pathOf(challengeId), trade, signal);
const isReplay = ({ headers }: Reply<unknown>): boolean => headers.get('idempotent-replayed') === 'true';

interface Result {
  readonly status: number;
  readonly replayed: boolean;
  readonly body?: TradeAnswer;
  readonly problem?: Problem;
}
type Listed = TradeRequest & { readonly challenge_id: string };
const listed = (challenge_id: string, facts: Partial<TradeRequest> = {}): Listed => ({
  challenge_id,
  ...given.trade({ realized_pnl: '1.00', ...facts }),
});

async function postList(system: System, trades: readonly Listed[]): Promise<readonly Result[]> {
  const { status, body } = await system.api.request<{ results: readonly Result[] }>('POST', '/v1/trades', { trades });
  expect(status).toBe(200);
  return body.results;
}
const wordsOf = (results: readonly Result[]): readonly string[] =>
  results.map(({ status, problem }) => problem?.type.split(':').at(-1) ?? String(status));
const times = <Item>(count: number, item: Item): readonly Item[] => Array.from({ length: count }, () => item);

const underWay = (system: System) => async (): Promise<number> =>
  (await system.service('trade').metric('tradesense_trade_commands_under_way')) ?? 0;
const untilUnderWay = (system: System, count: number): Promise<unknown> =>
  until(underWay(system), (found) => found === count, { everyMs: 5, what: `${count} commands under way` });
const locked = (ids: readonly string[], act: (release: () => Promise<unknown>) => Promise<void>) =>
  whileLocked(ground.databaseUrl('trade'), ids, act);

describe('two hundred posts to one challenge at once, of which some callers hang up', () => {
  it('are each applied once, in sequence, and repeated with their first answer', async () => {
    const { challenge_id } = await one.api.open();
    // In whatever order they come, they end nothing.
    const trades = Array.from({ length: 200 }, (_, index) =>
      given.trade({ realized_pnl: `${index % 2 === 0 ? '-' : ''}1.${10 + (index % 90)}` }),
    );
    const hangUpMs = [1, 3, 8, 20, 50];
    const heard = await Promise.all(
      trades.map((trade, index) =>
        post(
          index % 2 === 0 ? one : two,
          challenge_id,
          trade,
          index % 3 === 0 ? AbortSignal.timeout(hangUpMs[index % hangUpMs.length]!) : undefined,
        ).catch(() => undefined),
      ),
    );
    expect(heard.filter((reply) => reply === undefined).length).toBeGreaterThan(0);
    const again = await Promise.all(
      trades.map((trade, index) => post(index % 2 === 0 ? two : one, challenge_id, trade)),
    );
    for (const [index, first] of heard.entries()) {
      expect(again[index]!.status).toBe(201);
      if (first === undefined) continue;
      expect([first.status, isReplay(first), isReplay(again[index]!)]).toEqual([201, false, true]);
      expect(again[index]!.text).toBe(first.text);
    }
    expect(await one.api.read(challenge_id)).toMatchObject({ sequence: 200, equity: { total_trades: 200 } });
    expect(await unbalanced(database, [challenge_id])).toEqual([]);
  });
});

describe('a trade posted twenty times at once, to two instances, in one batch of each', () => {
  it('however it is spelled is one trade, also when its challenge has ended since', async () => {
    const { challenge_id } = await one.api.open();
    const trade = given.trade({ realized_pnl: '1.5', executed_at: '2026-03-02T10:00:00Z' });
    const spellings = [trade, { ...trade, realized_pnl: '1.50', executed_at: '2026-03-02T11:00:00.000+01:00' }];
    let replies: readonly Reply<unknown>[] = [];
    await locked([challenge_id], async (release) => {
      const posted = Array.from({ length: 20 }, (_, index) =>
        post(index % 4 < 2 ? one : two, challenge_id, spellings[index % 2]!),
      );
      await Promise.all([untilUnderWay(one, 10), untilUnderWay(two, 10)]);
      await release();
      replies = await Promise.all(posted);
    });
    expect(replies.map(({ status }) => status)).toEqual(times(20, 201));
    expect(new Set(replies.map(({ text }) => text)).size).toBe(1);
    expect(replies.filter((reply) => !isReplay(reply))).toHaveLength(1);
    expect(await unbalanced(database, [challenge_id])).toEqual([]);

    const { challenge } = await one.api.post(challenge_id, { realized_pnl: '-600.00' });
    expect(challenge).toMatchObject({ status: 'FAILED', equity: { total_trades: 2 } });
    for (const system of [one, two])
      for (const spelling of spellings) {
        const late = await post(system, challenge_id, spelling);
        expect([late.status, isReplay(late), late.text]).toEqual([201, true, replies[0]!.text]);
      }
    const other = await post(two, challenge_id, { ...trade, realized_pnl: '1.51' });
    expect([other.status, other.body]).toMatchObject([409, { type: 'urn:tradesense:problem:trade-conflict' }]);
  });

  it('twice in one list has one result, told twice', async () => {
    const { challenge_id } = await one.api.open();
    const trade = listed(challenge_id, { realized_pnl: '1.5' });
    const [first, second, third] = await postList(one, [
      trade,
      { ...trade, realized_pnl: '1.50' },
      { ...trade, symbol: 'X' },
    ]);
    expect(second).toEqual({ ...first, replayed: true });
    expect([first!.replayed, third!.status]).toEqual([false, 409]);
    expect(await unbalanced(database, [challenge_id])).toEqual([]);
  });
});

describe('a batch of sixty-four with one command that the database refuses', () => {
  it('fails that one alone, each of the others in a transaction of its own (P13)', async () => {
    const opened = await Promise.all(Array.from({ length: 64 }, () => one.api.open({ challenge_id: idInLane(0) })));
    const ids = opened.map(({ challenge_id }) => challenge_id);
    const trades = ids.map((id, index) => listed(id, index === 40 ? { symbol: 'POISON' } : {}));
    const transactions = async () => (await one.service('trade').metric('tradesense_trade_batch_commands_count'))!;
    const before = await transactions();
    await whileTradesOf(database, { symbol: 'POISON', plpgsql: `raise exception 'no';` }, async () => {
      expect(wordsOf(await postList(one, trades))).toEqual(times(64, '201').with(40, 'internal'));
    });
    expect(await transactions()).toBe(before + 1 + 64);
    expect(await one.api.read(ids[40]!)).toMatchObject({ sequence: 0, equity: { total_trades: 0 } });
    const again = await postList(one, trades);
    expect(wordsOf(again)).toEqual(times(64, '201'));
    expect(again.flatMap(({ replayed }, index) => (replayed ? [] : [index]))).toEqual([40]);
    expect(await unbalanced(database, ids)).toEqual([]);
  });
});

describe('of a list, a challenge’s later trades', () => {
  const away = `raise exception 'away' using errcode = '57P01';`;

  it('are not tried behind one whose outcome is unknown, and keep their order when all are posted again', async () => {
    const { challenge_id } = await one.api.open();
    const { challenge_id: other } = await one.api.open();
    const trades = [
      ...Array.from({ length: 70 }, (_, index) => listed(challenge_id, index === 10 ? { symbol: 'AWAY' } : {})),
      listed(other),
    ];
    await whileTradesOf(database, { symbol: 'AWAY', plpgsql: away }, async () => {
      const words = wordsOf(await postList(one, trades));
      expect(words.slice(0, 70)).toEqual(['database-unavailable', ...times(69, 'earlier-unknown')]);
    });
    expect((await one.api.read(challenge_id)).sequence).toBe(0);
    const again = await postList(one, trades);
    expect(again.slice(0, 70).map(({ body }) => body!.challenge.sequence)).toEqual(
      trades.slice(1).map((_, index) => index + 1),
    );
    expect(again[70]!.status).toBe(201);
    expect(await unbalanced(database, [challenge_id, other])).toEqual([]);
  });

  it('are not tried either when that happens while each has a transaction of its own', async () => {
    const { challenge_id } = await one.api.open();
    const trades = [listed(challenge_id), listed(challenge_id, { symbol: 'FIRST' }), listed(challenge_id)];
    const plpgsql = `if nextval('attempts') = 1 then raise exception 'no'; else ${away} end if;`;
    await whileTradesOf(database, { symbol: 'FIRST', plpgsql }, async () => {
      expect(wordsOf(await postList(one, trades))).toEqual(['201', 'database-unavailable', 'earlier-unknown']);
    });
    expect((await one.api.read(challenge_id)).sequence).toBe(1);
    expect(wordsOf(await postList(one, trades))).toEqual(['201', '201', '201']);
    expect(await unbalanced(database, [challenge_id])).toEqual([]);
  });

  it('are tried behind one that was refused, or that nobody expected', async () => {
    const { challenge_id } = await one.api.open();
    const trades = [
      listed(challenge_id, { symbol: 'POISON' }),
      listed(challenge_id, { corrects: given.uuid() }),
      listed(challenge_id),
    ];
    await whileTradesOf(database, { symbol: 'POISON', plpgsql: `raise exception 'no';` }, async () => {
      expect(wordsOf(await postList(one, trades))).toEqual(['internal', 'rule-violation', '201']);
    });
  });
});

describe('trades of a challenge that somebody else has locked', () => {
  it('come through in the order they arrived, those that come later behind them', async () => {
    const { challenge_id } = await one.api.open();
    const posted: Promise<Reply<unknown>>[] = [];
    const next = () => post(one, challenge_id, given.trade({ realized_pnl: `${posted.length + 1}.00` }));
    await locked([challenge_id], async (release) => {
      for (let count = 1; count <= 12; count += 1) {
        posted.push(next());
        await untilUnderWay(one, count);
      }
      await release();
      posted.push(next());
    });
    const replies = (await Promise.all(posted)) as readonly Reply<TradeAnswer>[];
    expect(replies.map(({ body }) => body.challenge.sequence)).toEqual(posted.map((_, index) => index + 1));
    expect(await unbalanced(database, [challenge_id])).toEqual([]);
  });
});

describe('a lane that is full', () => {
  it('refuses at once, what follows in its list too; others trade on, and nothing is lost', async () => {
    const model = await one.api.open();
    const tomorrow = new Date(model.day.ends_at);
    const copies = await quietChallenges(database, { like: model.challenge_id, count: 1_700, endsAt: tomorrow });
    const held = copies.filter((id) => laneOf(id) === 0).slice(0, 500);
    expect(held).toHaveLength(500);
    const { challenge_id: free } = await one.api.open({ challenge_id: idInLane(0) });
    const { challenge_id: elsewhere } = await one.api.open({ challenge_id: idInLane(1) });
    const waiting = Array.from({ length: 4 }, () => held.map((id) => listed(id)));
    let results: readonly (readonly Result[])[] = [];
    const followers = Array.from({ length: 100 }, () => listed(free));
    await locked(held, async (release) => {
      const posted = waiting.map((trades) => postList(one, trades));
      await untilUnderWay(one, 2_000);
      expect(wordsOf(await postList(one, followers))).toEqual(['overloaded', ...times(99, 'earlier-unknown')]);
      const askedMs = performance.now();
      const refused = await post(one, free, given.trade());
      expect(performance.now() - askedMs).toBeLessThan(1_000);
      expect([refused.status, refused.body]).toMatchObject([503, { type: 'urn:tradesense:problem:overloaded' }]);
      expect(refused.headers.get('retry-after')).toMatch(/^[1-3]$/);
      expect((await post(one, elsewhere, given.trade())).status).toBe(201);
      await release();
      results = await Promise.all(posted);
    });
    // On a busy machine some may have waited for 5 s.
    expect(results.flat().filter(({ status }) => status !== 201 && status !== 503)).toEqual([]);
    expect((await one.api.read(free)).sequence).toBe(0);
    for (const trades of [...waiting, followers])
      expect(wordsOf(await postList(one, trades))).toEqual(times(trades.length, '201'));
    expect(await unbalanced(database, [...held, free])).toEqual([]);
    const { rows } = await database.query('select count(*)::int from trade where challenge_id = any($1)', [held]);
    expect(rows).toEqual([{ count: 2_000 }]);
  });
});

describe('two instances that lock the same challenges in opposite orders', () => {
  it('never run into a deadlock (P8)', async () => {
    const opened = await Promise.all(Array.from({ length: 60 }, () => one.api.open()));
    const ids = opened.map(({ challenge_id }) => challenge_id);
    const deadlocks = async () => {
      const { rows } = await database.query<{ deadlocks: string }>(
        'select deadlocks from pg_stat_database where datname = current_database()',
      );
      return rows[0]!.deadlocks;
    };
    const before = await deadlocks();
    const untilMs = performance.now() + 3_000;
    const client = async (index: number): Promise<number> => {
      const order = index % 2 === 0 ? ids : ids.toReversed();
      let posted = 0;
      for (; performance.now() < untilMs; posted += 1)
        expect(
          wordsOf(
            await postList(
              index % 4 < 2 ? one : two,
              order.map((id) => listed(id, { realized_pnl: '0.00' })),
            ),
          ),
        ).toEqual(times(60, '201'));
      return posted;
    };
    const lists = await Promise.all(Array.from({ length: 8 }, (_, index) => client(index)));
    expect(Math.min(...lists)).toBeGreaterThan(0);
    expect(await deadlocks()).toBe(before);
    expect(await unbalanced(database, ids)).toEqual([]);
  });
});

describe('a trade behind hundreds of marks', () => {
  it('is in the next transaction, and they are not', async () => {
    const opened = await Promise.all(
      Array.from({ length: 200 }, () =>
        one.api.open({ challenge_id: idInLane(1), program: 'ftmo-2-step', initial_balance: '10000.00' }),
      ),
    );
    const ids = opened.map(({ challenge_id }) => challenge_id);
    const { challenge_id: traded } = await one.api.open({ challenge_id: idInLane(1) });
    const { challenge_id: slow } = await one.api.open({ challenge_id: idInLane(1) });
    await whileTradesOf(database, { symbol: 'SLOW', plpgsql: 'perform pg_sleep(1);' }, async () => {
      const lane = post(one, slow, given.trade({ symbol: 'SLOW' }));
      await untilUnderWay(one, 1);
      await delay(50); // it has been taken
      const price_time = new Date().toISOString();
      const marks = ids.map((challenge_id) => ({ challenge_id, equity: '9990.00', price_time, last_trade_id: null }));
      const marked = one.api.request<{ applied: number }>('POST', '/v1/marks', { marks });
      await untilUnderWay(one, 201);
      const trade = post(one, traded, given.trade());
      expect((await Promise.all([lane, trade])).map(({ status }) => status)).toEqual([201, 201]);
      expect((await marked).body).toMatchObject({ applied: 200 });
    });
    // Those in transactions before the trade's: none. In later ones: all that had no room beside it.
    const { rows } = await database.query<{ before: number; later: number }>(
      `select count(*) filter (where age(marked.xmin) > age(traded.xmin))::int as before,
              count(*) filter (where age(marked.xmin) < age(traded.xmin))::int as later
         from challenge marked, challenge traded where marked.id = any($1) and traded.id = $2`,
      [ids, traded],
    );
    expect(rows).toEqual([{ before: 0, later: 200 - 16 }]);
  });
});
