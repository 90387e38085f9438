import { setTimeout as delay } from 'node:timers/promises';

import type { ChallengeState, ChallengeUpdated } from '@tradesense/contracts';
import pg from 'pg';

import { databaseNow, endDay, quietChallenges } from '../../support/quiet-challenges.js';
import { openStack, type OwnGround } from '../../support/stack.js';
import { System } from '../../support/system.js';
import { until } from '../../support/until.js';

let ground: OwnGround;
let database: pg.Client;
beforeAll(async () => {
  ground = await openStack({ topics: false });
  database = new pg.Client({ connectionString: ground.databaseUrl('postgres') });
  await database.connect();
});
afterAll(async () => {
  await database?.end();
  await ground?.close();
});

interface Row {
  readonly aggregateid: string;
  readonly type: string;
  readonly sequence: string;
  readonly after_ms: number;
  readonly body: ChallengeUpdated;
}

/** Day rolls that were told, with how long after `midnight` each was written. */
async function rollsOf(challengeIds: readonly string[], midnight: Date): Promise<readonly Row[]> {
  const { rows } = await database.query<Row>(
    `select aggregateid, type, sequence, extract(epoch from created_at - $2::timestamptz)::float8 * 1000 as after_ms,
            payload as body
       from outbox
      where aggregateid = any($1) and type = 'CHALLENGE_UPDATED' and payload->>'reason' = 'DAY_ROLLED'
      order by position`,
    [challengeIds, midnight.toISOString()],
  );
  return rows;
}

/** One midnight, for two instances, in the middle of what the tests below look at. */
describe('at midnight', () => {
  const systems: System[] = [];
  let holder: pg.Client;
  let midnight: Date;
  let quiet: string;
  let ended: string;
  let old: string;
  let beside: readonly string[];
  let traded: readonly string[];

  beforeAll(async () => {
    const started = [1, 2].map(() => System.start(ground, { services: ['trade'] }));
    systems.push(...(await Promise.all(started)));
    const [{ api }] = systems as [System];
    [quiet, ended, old] = (await Promise.all([api.open(), api.open(), api.open()])).map(
      ({ challenge_id }) => challenge_id,
    ) as [string, string, string];
    const { challenge_id: model } = await api.open();
    await api.post(quiet, { realized_pnl: '-400.00' });
    await api.post(ended, { realized_pnl: '-2000.00' });
    midnight = new Date((await databaseNow(database)).getTime() + 1_500);
    traded = await quietChallenges(database, { like: model, count: 400, endsAt: midnight });
    beside = await quietChallenges(database, { like: model, count: 100, endsAt: midnight });
    await endDay(database, [quiet, ended], midnight);
    await endDay(database, [old], new Date(midnight.getTime() - 5 * 86_400_000));
    holder = new pg.Client({ connectionString: ground.databaseUrl('postgres') });
    await holder.connect();
    await holder.query('begin');
    await holder.query('select from challenge where id = $1 for update', [beside[50]]);

    // Of those traded a third is so around midnight, a third while the schedulers are at work, the others not at all.
    const skewMs = (await databaseNow(database)).getTime() - Date.now();
    const postAt = async (id: string, ms: number, system: System): Promise<void> => {
      await delay(Math.max(0, midnight.getTime() + ms - skewMs - Date.now()));
      await system.api.post(id, { realized_pnl: '100.00' });
    };
    await Promise.all(
      traded
        .filter((_, index) => index % 3 !== 2)
        .map((id, index) =>
          postAt(id, (index % 2 === 0 ? 0 : 2_000) + ((index * 7) % 1_200) - 100, systems[Math.floor(index / 2) % 2]!),
        ),
    );
    await until(
      async () =>
        new Set((await rollsOf([quiet, ...beside, ...traded], midnight)).map(({ aggregateid }) => aggregateid)).size,
      (count) => count >= traded.length + beside.length,
    );
  });
  afterAll(async () => {
    await holder?.end();
    await Promise.all(systems.map((system) => system.stop()));
  });

  it('a challenge that nobody trades is on its next day within 5 s, and its page is told the new floors', async () => {
    const [rolled] = await rollsOf([quiet], midnight);
    expect(rolled!.after_ms).toBeLessThan(5_000);
    expect(rolled!.after_ms).toBeGreaterThanOrEqual(2_000); // a trade of this moment would have rolled it
    const { state, changed_at } = rolled!.body;
    expect(changed_at).toBe(midnight.toISOString());
    expect(state.day.date).toBe(midnight.toISOString().slice(0, 10));
    expect(state.equity).toMatchObject({ daily_start_equity: '9600.00', current_equity: '9600.00' });
    expect(state.limits[0]).toMatchObject({ rule: 'DAILY_LOSS', floor: '9120.00', room: '480.00' });
    const { rows } = await database.query<{ state: ChallengeState }>(
      `select payload as state from outbox where aggregateid = $1 and aggregatetype = 'challenge-state'
        order by position desc limit 1`,
      [quiet],
    );
    expect(rows[0]!.state).toEqual({ ...state, event_id: rows[0]!.state.event_id });
  });

  it('one that has ended is left alone', async () => {
    expect(await rollsOf([ended], midnight)).toEqual([]);
  });

  it('one whose days ended long ago is rolled through each of them in turn, once', async () => {
    const { day, sequence } = await systems[0]!.api.read(old);
    expect(day.date).toBe((await databaseNow(database)).toISOString().slice(0, 10));
    const told = await rollsOf([old], midnight);
    expect(told.at(-1)!.body.state.day.date).toBe(day.date);
    expect(told.map((row) => row.sequence)).toEqual(Array.from({ length: sequence }, (_, index) => `${index + 1}`));
  });

  it('one that another session holds keeps no other from its next day, and is rolled when it is free', async () => {
    const told = await rollsOf(beside, midnight);
    expect(told).toHaveLength(99);
    expect(told.map(({ aggregateid }) => aggregateid)).not.toContain(beside[50]);
    expect(Math.max(...told.map(({ after_ms }) => after_ms))).toBeLessThan(5_000);
    await holder.query('commit');
    await until(
      () => rollsOf([beside[50]!], midnight),
      ({ length }) => length === 1,
    );
  });

  it('two instances and trades at the very boundary roll each day once, from the balance that it found (M8)', async () => {
    expect(await rollsOf(traded, midnight)).toHaveLength(traded.length);
    const { rows } = await database.query<{ wrong: number; before: number; after: number }>(
      `select count(*) filter (where daily_start_equity <> 10000 + coalesce(before, 0) or current_equity <> 10000 +
                                     coalesce(pnl, 0) or day_date <> ($2::timestamptz at time zone 'UTC')::date)::int as wrong,
              count(*) filter (where before > 0)::int as before, count(*) filter (where pnl > coalesce(before, 0))::int as after
         from challenge
              left join (select challenge_id, sum(realized_pnl) as pnl,
                                sum(realized_pnl) filter (where recorded_at < $2) as before
                           from trade group by challenge_id) traded on challenge_id = id
        where id = any($1)`,
      [traded, midnight.toISOString()],
    );
    expect(rows[0]).toMatchObject({ wrong: 0 });
    expect(rows[0]!.before).toBeGreaterThan(0);
    expect(rows[0]!.after).toBeGreaterThan(0);
  });
});
