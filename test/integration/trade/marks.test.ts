import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import type { ChallengeState, EquityUpdated, Problem } from '@tradesense/contracts';
import fc from 'fast-check';
import pg from 'pg';

import { atConstantRate } from '../../bench/load/arrivals.js';
import { given } from '../../support/given.js';
import { contiguousPerChallenge } from '../../support/invariants.js';
import { openStack, type OwnGround } from '../../support/stack.js';
import { System } from '../../support/system.js';
import { until } from '../../support/until.js';

/** Judged by marks; the daily limit trails: 7.00 below the day's highest equity. */
const TRAILING = {
  id: 'trailing-7',
  version: 1,
  initial_balance: '100.00',
  time_zone: 'UTC',
  day_starts_at: '00:00',
  equity_from: 'MARKS',
  day_counts: 'TRADED',
  phases: [
    {
      profit_target: '900.00',
      limits: [
        {
          rule: 'DAILY_LOSS',
          reference: { value: 'EQUITY', at: 'DAY_PEAK' },
          amount: { fixed: '7.00' },
          checked: 'EQUITY',
          breached: 'BELOW',
          trailing: 'INTRADAY',
          consequence: 'FAIL',
        },
      ],
    },
  ],
  alerts: [{ at_percent_of_limit: '80.00', severity: 'MEDIUM' }],
  hysteresis: '10.00',
};

let folder: string;
let ground: OwnGround;
let system: System;
let database: pg.Client;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'programs-'));
  writeFileSync(join(folder, 'trailing-7.json'), JSON.stringify(TRAILING));
  ground = await openStack({ topics: false });
  system = await System.start(ground, { services: ['trade'], env: { trade: { PROGRAMS_DIR: folder } } });
  database = new pg.Client({ connectionString: ground.databaseUrl('postgres') });
  await database.connect();
});
afterAll(async () => {
  await database?.end();
  await system?.stop();
  await ground?.close();
  rmSync(folder, { recursive: true });
});

interface Mark {
  readonly challenge_id: string;
  readonly equity: string;
  readonly price_time: string;
  readonly last_trade_id: string | null;
}
interface Answer {
  readonly applied: number;
  readonly stale: number;
  readonly rejected: readonly { readonly index: number; readonly problem: Problem }[];
}

const inMs = (ms: number): string => new Date(Date.now() + ms).toISOString();
const mark = (challenge_id: string, equity: string, facts: Partial<Mark> = {}): Mark => ({
  challenge_id,
  equity,
  price_time: inMs(0),
  last_trade_id: null,
  ...facts,
});

/** Anything but 200 is an error. */
async function post(...marks: readonly Mark[]): Promise<Answer> {
  const { status, body } = await system.api.request<Answer>('POST', '/v1/marks', { marks });
  if (status !== 200) throw new Error(`answered ${status}: ${JSON.stringify(body)}`);
  return body;
}

async function rowsOf<Body>(challengeId: string, type = '%') {
  const { rows } = await database.query<{ type: string; sequence: string; at: Date; body: Body }>(
    `select type, sequence, created_at as at, payload as body from outbox where aggregateid = $1 and type like $2
      order by position`,
    [challengeId, type],
  );
  return rows;
}

const problemsOf = ({ rejected }: Answer) =>
  rejected.map(({ index, problem }) => [index, problem.status, problem.type.split(':').at(-1)]);

describe('marks', () => {
  it('are the only source of equity: a loss that is first open and then closed counts once (vector 13)', async () => {
    const { challenge_id } = await system.api.open({ program: 'ftmo-2-step', initial_balance: '10000.00' });
    const equity = async () => (await system.api.read(challenge_id)).equity.current_equity;
    expect(await post(mark(challenge_id, '9600.00'))).toEqual({ applied: 1, stale: 0, rejected: [] });
    expect(await equity()).toBe('9600.00');
    const { trade_id, challenge } = await system.api.post(challenge_id, { realized_pnl: '-400.00' });
    expect(challenge).toMatchObject({ balance: '9600.00', equity: { current_equity: '9600.00' } });
    // One that was on its way meanwhile still has the loss open.
    expect(await post(mark(challenge_id, '9200.00'))).toEqual({ applied: 0, stale: 1, rejected: [] });
    expect(await equity()).toBe('9600.00');
    expect(await post(mark(challenge_id, '9600.00', { last_trade_id: trade_id }))).toMatchObject({ applied: 1 });
    expect(await equity()).toBe('9600.00');
  });

  it('are decided each, though they are written together: breached at 102 (vector 14)', async () => {
    const { challenge_id } = await system.api.open({ program: 'trailing-7' });
    const answer = await post(
      ...['100.00', '110.00', '102.00', '111.00', '110.00'].map((equity, index) =>
        mark(challenge_id, equity, { price_time: inMs(index - 10) }),
      ),
    );
    expect(answer).toMatchObject({ applied: 3, stale: 0 });
    expect(problemsOf(answer)).toEqual([
      [3, 409, 'challenge-closed'],
      [4, 409, 'challenge-closed'],
    ]);
    expect(await system.api.read(challenge_id)).toMatchObject({
      status: 'FAILED',
      status_reason: 'DAILY_LOSS',
      equity: { current_equity: '102.00', max_equity_ever: '110.00', daily_min_equity: '100.00' },
    });
  });

  it('older than the last one are stale and counted; of one batch it is the price time that orders', async () => {
    const { challenge_id } = await system.api.open({ program: 'trailing-7' });
    const before = (await system.service('trade').metric('tradesense_trade_marks_total', 'stale')) ?? 0;
    const [early, late] = [inMs(-500), inMs(-400)];
    const answer = await post(
      mark(challenge_id, '103.00', { price_time: late }),
      mark(challenge_id, '105.00', { price_time: early }),
    );
    expect(answer).toEqual({ applied: 2, stale: 0, rejected: [] });
    expect((await system.api.read(challenge_id)).equity).toMatchObject({
      previous_equity: '105.00',
      current_equity: '103.00',
      trade_pnl: null,
      trade_symbol: null,
    });
    expect(await post(mark(challenge_id, '1.00', { price_time: early }))).toEqual({
      applied: 0,
      stale: 1,
      rejected: [],
    });
    expect((await system.api.read(challenge_id)).equity.current_equity).toBe('103.00');
    expect(await system.service('trade').metric('tradesense_trade_marks_total', 'stale')).toBe(before + 1);
  });

  it('that can not be are rejected by their place, and the others applied', async () => {
    const { challenge_id } = await system.api.open({ program: 'trailing-7' });
    const { challenge_id: onTrades } = await system.api.open();
    const answer = await post(
      mark(challenge_id, '101.00'),
      mark(given.uuid(), '101.00'),
      mark(onTrades, '10001.00'),
      mark(challenge_id, '102.00', { price_time: inMs(3_000) }),
      mark(challenge_id, '103.00'),
    );
    expect(answer).toMatchObject({ applied: 2, stale: 0 });
    expect(problemsOf(answer)).toEqual([
      [1, 404, 'not-found'],
      [2, 422, 'rule-violation'],
      [3, 422, 'rule-violation'],
    ]);
    expect(answer.rejected[2]!.problem.errors![0]).toMatchObject({ path: '/marks/3/price_time' });
    expect(await system.api.read(onTrades)).toMatchObject({ sequence: 0, equity: { current_equity: '10000.00' } });
  });

  it('may all be of one challenge, as many as a list holds', async () => {
    const { challenge_id } = await system.api.open({ program: 'ftmo-2-step' });
    const started = Date.now() - 10_000;
    const marks = Array.from({ length: 5_000 }, (_, index) =>
      mark(challenge_id, `${100_000 + (index % 100)}.00`, {
        price_time: new Date(started + index).toISOString(),
      }),
    );
    expect(await post(...marks)).toEqual({ applied: 5_000, stale: 0, rejected: [] });
  });

  it('roll the day first: one of yesterday is stale then', async () => {
    const { challenge_id } = await system.api.open({ program: 'trailing-7' });
    const yesterday = new Date(Date.now() - 86_400_000).toISOString();
    expect(await post(mark(challenge_id, '90.00', { price_time: yesterday }))).toMatchObject({ stale: 1 });
    expect((await system.api.read(challenge_id)).status).toBe('ACTIVE');
  });
});

describe('a feed of thousands of marks a second', () => {
  const CHALLENGES = 20;
  const FEED = { rate: 200, seconds: 3 };
  const PER_REQUEST = 10;

  it('writes no thousands of rows, tells equity four times a second, and loses no peak', async () => {
    const opened = await Promise.all(
      Array.from({ length: CHALLENGES }, () => system.api.open({ program: 'trailing-7' })),
    );
    const ids = opened.map(({ challenge_id }) => challenge_id);
    const updates = async () => {
      await database.query('select pg_stat_clear_snapshot()');
      const { rows } = await database.query<{ count: string }>(
        `select n_tup_upd as count from pg_stat_user_tables where relname = 'challenge'`,
      );
      return Number(rows[0]!.count);
    };
    const updatesBefore = await updates();
    const highest = new Map<string, bigint>();
    let applied = 0;
    await atConstantRate(FEED, async (index) => {
      const marks = Array.from({ length: PER_REQUEST }, (_, place) => {
        const id = ids[(index * PER_REQUEST + place) % CHALLENGES]!;
        const cents = 100_00n + BigInt((index * 7919 + place * 104_729) % 300);
        if (cents > (highest.get(id) ?? 0n)) highest.set(id, cents);
        return mark(id, `${cents / 100n}.${String(cents % 100n).padStart(2, '0')}`, {
          price_time: inMs(0),
        });
      });
      const answer = await post(...marks);
      expect(answer.rejected).toEqual([]);
      applied += answer.applied;
    });
    const posted = FEED.rate * FEED.seconds * PER_REQUEST;
    await delay(400); // by then the last equity of each has been told
    for (const id of ids) {
      const told = await rowsOf<EquityUpdated>(id, 'EQUITY_UPDATED');
      const { equity } = await system.api.read(id);
      expect(told.at(-1)!.body.current_equity).toBe(equity.current_equity);
      // By the marks' own time: when a row is written, a busy machine says.
      const pricedMs = told.map(({ body }) => Date.parse(body.executed_at ?? ''));
      expect(told.length).toBeLessThanOrEqual(4 * (1 + (pricedMs.at(-1)! - pricedMs[0]!) / 1_000) + 1);
      for (const [index, ms] of pricedMs.entries())
        if (index >= 4) expect(ms - pricedMs[index - 4]!).toBeGreaterThanOrEqual(700);
      expect(contiguousPerChallenge(told.map(({ body }) => body))).toEqual([]);
      if (applied === posted) expect(BigInt(equity.max_equity_ever.replace('.', ''))).toBe(highest.get(id));
    }
    const { rows } = await database.query<{ count: number }>(
      'select count(*)::int as count from outbox where aggregateid = any($1)',
      [ids],
    );
    // Statistics are reported by each session when it has been idle for a moment.
    const written = await until(updates, (count) => count > updatesBefore);
    console.log(`${posted} marks: ${written - updatesBefore} updates of challenges, ${rows[0]!.count} outbox rows`);
    expect(applied).toBeGreaterThan(0.9 * posted);
    expect(written - updatesBefore).toBeLessThanOrEqual(CHALLENGES * 11 * (FEED.seconds + 1));
    expect(rows[0]!.count).toBeLessThanOrEqual(CHALLENGES * (1 + 2 * 4 * (FEED.seconds + 1)));
  });
});

describe('the last equity of a burst', () => {
  it('is told within 300 ms, though nothing comes after it', async () => {
    const { challenge_id } = await system.api.open({ program: 'trailing-7' });
    await post(mark(challenge_id, '101.00'));
    await post(mark(challenge_id, '102.00'));
    await post(mark(challenge_id, '103.00'));
    const answeredMs = Date.now();
    const told = await until(
      () => rowsOf<EquityUpdated>(challenge_id, 'EQUITY_UPDATED'),
      (rows) => rows.at(-1)?.body.current_equity === '103.00',
    );
    expect(told.at(-1)!.at.getTime() - answeredMs).toBeLessThan(320);
    const states = await rowsOf<ChallengeState>(challenge_id, 'CHALLENGE_STATE');
    expect(states.at(-1)!.body.equity.current_equity).toBe('103.00');
    expect(states.at(-1)!.body.sequence).toBe(told.at(-1)!.body.sequence);
  });
});

describe('folded writes', () => {
  const STEPS = 25;
  const PAIRS = 12;

  /** What must be the same however marks were written; not the equity events, which are fewer. */
  const judged = async (challengeId: string) => {
    const { equity, status, status_reason, limits } = await system.api.read(challengeId);
    const alerts = await rowsOf<Record<string, unknown>>(challengeId, 'RISK_ALERT');
    return {
      status,
      status_reason,
      limits,
      figures: [equity.current_equity, equity.max_equity_ever, equity.daily_max_equity, equity.daily_min_equity],
      alerts: alerts.map(({ body }) => [body['current_equity'], body['drawdown_percentage'], body['alert_timestamp']]),
    };
  };

  it('mean what every mark in a transaction of its own would', async () => {
    const walks = fc.sample(fc.array(fc.integer({ min: -250, max: 250 }), { minLength: STEPS, maxLength: STEPS }), {
      numRuns: PAIRS,
      seed: 20_261_126,
    });
    const results = await Promise.all(
      walks.map(async (walk) => {
        const [folded, single] = await Promise.all([
          system.api.open({ program: 'trailing-7' }),
          system.api.open({ program: 'trailing-7' }),
        ]);
        let cents = 100_00;
        const startMs = Date.now();
        const marks = walk.map((step, index) => {
          cents += step;
          return { equity: (cents / 100).toFixed(2), price_time: new Date(startMs - STEPS + index).toISOString() };
        });
        await post(...marks.map((facts) => mark(folded.challenge_id, facts.equity, facts)));
        for (const facts of marks) await post(mark(single.challenge_id, facts.equity, facts));
        return [await judged(folded.challenge_id), await judged(single.challenge_id)] as const;
      }),
    );
    for (const [folded, single] of results) expect(folded).toEqual(single);
    expect(results.some(([{ status }]) => status === 'FAILED')).toBe(true);
    expect(results.some(([{ alerts }]) => alerts.length > 0)).toBe(true);
  });
});
