import { randomUUID } from 'node:crypto';

import type { ChallengeUpdated } from '@tradesense/contracts';
import pg from 'pg';

import { contiguousPerChallenge } from '../../support/invariants.js';
import { Operator } from '../../support/operator.js';
import { quietChallenges } from '../../support/quiet-challenges.js';
import { openStack, type OwnGround } from '../../support/stack.js';
import { System } from '../../support/system.js';
import { tokens } from '../../support/tokens.js';
import { TradeApi } from '../../support/trade-api.js';
import { until } from '../../support/until.js';

/** Enough for several pieces of a sweep, and for two instances to meet. */
const QUIET = 400;

let ground: OwnGround;
let systems: System[];
let database: pg.Client;
let anna: Operator;

const start = (env: Record<string, string> = {}) => System.start(ground, { services: ['trade'], env: { trade: env } });

beforeAll(async () => {
  ground = await openStack({ topics: false });
  database = new pg.Client({ connectionString: ground.databaseUrl('postgres') });
  await database.connect();
  systems = await Promise.all([start(), start()]);
  anna = await Operator.at(() => systems[0]!.service('trade'));
});
afterAll(async () => {
  for (const system of systems ?? []) await system.stop();
  await database?.end();
  await ground?.close();
});

const api = () => systems[0]!.api;
const tomorrow = () => new Date(Date.now() + 86_400_000);

async function stream(): Promise<{ readonly epoch: number; readonly swept: number }> {
  const { rows } = await database.query<{ epoch: number; swept: number }>('select epoch::int, swept::int from stream');
  return rows[0]!;
}

async function bump(why = 'restored last night'): Promise<number> {
  const answer = await anna.send('POST', '/epoch/bump', { why });
  expect(answer.status).toBe(200);
  return ((await answer.json()) as { epoch: number }).epoch;
}

const swept = (epoch: number) =>
  until(stream, (row) => row.swept === epoch && row.epoch === epoch, { withinMs: 20_000 });

interface Row {
  readonly challenge_id: string;
  readonly type: string;
  readonly epoch: number;
  readonly sequence: number;
  readonly body: ChallengeUpdated;
}

async function rowsOf(epoch: number): Promise<readonly Row[]> {
  const { rows } = await database.query<Row>(
    `select aggregateid as challenge_id, type, epoch::int, sequence::int, payload as body
       from outbox where epoch = $1 order by position`,
    [epoch],
  );
  return rows;
}

/** Until some session of this file waits for a lock of this kind. */
const waitsFor = (kind: 'relation' | 'advisory') =>
  until(
    async () => {
      const { rows } = await database.query<{ waiting: boolean }>(
        `select exists (select from pg_locks join pg_database d on d.oid = database
                         where not granted and locktype = $1 and datname = current_database()) as waiting`,
        [kind],
      );
      return rows[0]!.waiting;
    },
    Boolean,
    { what: `a session waits for a lock of kind ${kind}` },
  );

async function reactivated(): Promise<string> {
  const { rows } = await database.query<{ id: string }>(`select id from challenge where status = 'FAILED' limit 1`);
  const operator = new TradeApi(systems[0]!.tradeUrl, await tokens.operator('anna'));
  const { status, body } = await operator.request<{ challenge: { challenge_id: string } }>(
    'POST',
    `/v1/challenges/${rows[0]!.id}/reactivate`,
    { act_id: randomUUID(), reason: 'ticket 4711' },
  );
  expect(status).toBe(200);
  return body.challenge.challenge_id;
}

describe('a bump of the epoch', () => {
  it('takes every challenge along once, whoever sweeps: ended ones too, in sequence 1, with its state', async () => {
    const { challenge_id, user_id } = await api().open();
    await api().post(challenge_id, { realized_pnl: '-450.00' });
    const { challenge_id: ended } = await api().open();
    await api().post(ended, { realized_pnl: '-600.00' });
    const quiet = await quietChallenges(database, { like: challenge_id, count: QUIET, endsAt: tomorrow() });
    const before = await stream();
    const view = await api().read(challenge_id);

    const epoch = await bump();
    expect(epoch).toBeGreaterThan(before.epoch);
    expect(Math.abs(epoch - Date.now() / 1000)).toBeLessThan(5);
    await swept(epoch);

    const rows = await rowsOf(epoch);
    const ids = [challenge_id, ended, ...quiet].sort();
    const updates = rows.filter(({ type }) => type === 'CHALLENGE_UPDATED');
    expect(updates.map((row) => row.challenge_id).sort()).toEqual(ids);
    expect(new Set(updates.map(({ sequence, body }) => `${sequence} ${body.reason}`))).toEqual(new Set(['1 EPOCH']));
    const states = rows.filter(({ type }) => type === 'CHALLENGE_STATE');
    expect(states.map((row) => row.challenge_id).sort()).toEqual(ids);
    expect(rows).toHaveLength(2 * ids.length);
    // Only the numbers are others.
    const { event_id: _, ...state } = await api().read(challenge_id);
    expect(state).toEqual({ ...view, event_id: undefined, epoch, sequence: 1 });
    expect(state).toMatchObject({ user_id, open_alerts: [{ current_equity: '9550.00' }] });

    const { events, challenge } = await api().post(challenge_id, { realized_pnl: '1.00' });
    expect(events.map(({ sequence }) => sequence)).toEqual([2]);
    expect(challenge).toMatchObject({ epoch, sequence: 2 });
    expect(contiguousPerChallenge((await rowsOf(epoch)).filter(({ type }) => type !== 'CHALLENGE_STATE'))).toEqual([]);
  });

  it('is written down, and each one raises it further', async () => {
    const first = await bump('ticket 1');
    const second = await bump('ticket 2');
    expect(second).toBeGreaterThan(first);
    await swept(second);
    const audit = await anna.list('/audit?limit=1000');
    expect(audit.slice(-2)).toEqual(
      [
        { why: 'ticket 1', details: { epoch: first } },
        { why: 'ticket 2', details: { epoch: second } },
      ].map((line) => ({
        ...line,
        id: expect.stringMatching(/^\d+$/),
        at: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
        who: 'anna',
        act: 'epoch-bump',
        challenge_id: null,
        act_id: null,
        outcome: 'accepted',
      })),
    );
  });

  it('leaves nobody behind who is opened, or traded, meanwhile', async () => {
    const known = await Promise.all(Array.from({ length: 20 }, () => api().open()));
    let epoch = 0;
    const opened: string[] = [];
    const open = async () => {
      while (epoch === 0 || (await stream()).swept < epoch) opened.push((await systems[1]!.api.open()).challenge_id);
    };
    const trade = async () => {
      while (epoch === 0 || (await stream()).swept < epoch)
        await Promise.all(known.map(({ challenge_id }) => api().post(challenge_id, { realized_pnl: '0.00' })));
    };
    const busy = [open(), open(), open(), trade()];
    await until(
      () => opened.length,
      (count) => count > 20,
    );
    epoch = await bump();
    await Promise.all(busy);
    const { rows } = await database.query('select id from challenge where epoch < $1', [epoch]);
    expect(rows).toEqual([]);
    const numbered = (await rowsOf(epoch)).filter(({ type }) => type !== 'CHALLENGE_STATE');
    expect(contiguousPerChallenge(numbered)).toEqual([]);
  });

  it.each<[string, string, () => Promise<string>]>([
    ['opened', 'opening', async () => (await api().open()).challenge_id],
    ['reactivated', 'act', reactivated],
  ])('waits for a challenge that is being %s in the old epoch, and finds it', async (_, table, work) => {
    await database.query('begin');
    await database.query(`lock table ${table} in exclusive mode`);
    const working = work();
    await waitsFor('relation');
    const bumped = bump();
    await waitsFor('advisory');
    await database.query('commit');
    const [challengeId, epoch] = await Promise.all([working, bumped]);
    await swept(epoch);
    expect(await api().read(challengeId)).toMatchObject({ epoch, sequence: 1 });
  });
});

describe("an instance's heads", () => {
  it('are where each challenge stands, a page at a time', async () => {
    for (let count = 0; count < 5; count += 1) {
      const { challenge_id } = await api().open();
      await api().post(challenge_id);
    }
    const { rows } = await database.query(
      'select id::text as challenge_id, epoch::int, sequence::int from challenge order by id',
    );
    const listed: unknown[] = [];
    for (let after: string | null = ''; after !== null;) {
      const answer = await anna.send('GET', `/heads?limit=200&after=${after}`);
      const page = (await answer.json()) as { items: unknown[]; next: string | null };
      listed.push(...page.items);
      after = page.next;
    }
    expect(listed).toEqual(rows);
    expect(rows.length).toBeGreaterThan(5);
  });
});

describe('the admin listener', () => {
  it.each([
    ['GET', '/heads?after=x', undefined, 400],
    ['GET', '/heads?limit=0', undefined, 400],
    ['GET', '/audit?after=x', undefined, 400],
    ['GET', '/audit?limit=1001', undefined, 400],
    ['POST', '/heads', {}, 405],
    ['GET', '/epoch/bump', undefined, 405],
    ['GET', '/nothing', undefined, 404],
    ['POST', '/epoch/bump', undefined, 400],
    ['POST', '/epoch/bump', {}, 400],
    ['POST', '/epoch/bump', { why: ' ' }, 400],
    ['POST', '/epoch/bump', { why: 'a\u0000' }, 400],
    ['POST', '/epoch/bump', { why: '\ud800' }, 400],
    ['POST', '/epoch/bump', { why: 'x'.repeat(501) }, 400],
    ['POST', '/epoch/bump', { why: 'x', epoch: 1 }, 400],
    ['POST', '/epoch/bump', ['x'], 400],
  ])('refuses %s %s (case %#)', async (method, path, body, status) => {
    const before = await stream();
    expect((await anna.send(method, path, body)).status).toBe(status);
    expect(await stream()).toEqual(before);
  });

  it('is for operators alone, who write with ops:write', async () => {
    const who = randomUUID();
    const [user, service, reader] = [
      await tokens.user(who),
      await tokens.service(),
      await tokens.operator('carl', 'ops:read'),
    ];
    const sent = async (method: string, path: string, token: string) =>
      (await anna.send(method, path, method === 'POST' ? { why: 'x' } : undefined, token)).status;
    for (const token of [user, service])
      expect([await sent('GET', '/heads', token), await sent('GET', '/audit', token)]).toEqual([403, 403]);
    for (const token of [user, service, reader]) expect(await sent('POST', '/epoch/bump', token)).toBe(403);
    expect(await sent('GET', '/audit', '')).toBe(401);
    expect(await sent('GET', '/audit', reader)).toBe(200);
  });
});

/** The last one: it stops the instances of the others. */
describe('a sweep that was stopped', () => {
  it('is finished by whoever starts next, at the rate that is set', async () => {
    const { challenge_id } = await api().open();
    for (const system of systems.splice(0)) await system.stop();
    await quietChallenges(database, { like: challenge_id, count: 300, endsAt: tomorrow() });
    await database.query('select stream_raise_epoch()'); // by one that was stopped before it had begun
    const { epoch } = await stream();
    systems = [await start({ ROLLS_PER_S: '100' })];
    const taken = async () =>
      (
        await database.query<{ taken: number }>('select count(*)::int as taken from challenge where epoch = $1', [
          epoch,
        ])
      ).rows[0]!.taken;
    await until(taken, (count) => count > 50, { everyMs: 10 });
    expect((await stream()).swept).toBeLessThan(epoch);
    const from = { ms: performance.now(), taken: await taken() };
    await until(taken, (count) => count > from.taken + 100, { everyMs: 10 });
    expect(performance.now() - from.ms).toBeGreaterThan(800);
    await systems[0]!.stop();
    systems = [await start()];
    await swept(epoch);
  });
});
