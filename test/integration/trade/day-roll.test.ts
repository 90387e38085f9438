import type { ChallengeState, ChallengeUpdated } from '@tradesense/contracts';
import pg from 'pg';

import { rolls } from '../../soak/scenario/rolls.js';
import { databaseNow, endDay, quietChallenges } from '../../support/quiet-challenges.js';
import { openStack, type OwnGround } from '../../support/stack.js';
import { System } from '../../support/system.js';
import { until } from '../../support/until.js';

let ground: OwnGround;
let database: pg.Client;
beforeEach(async () => {
  ground = await openStack({ topics: false });
  database = new pg.Client({ connectionString: ground.databaseUrl('postgres') });
  await database.connect();
});
afterEach(async () => {
  await database?.end();
  await ground?.close();
});

const startSystem = () => System.start(ground, { services: ['trade'] });

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

const inMs = async (ms: number): Promise<Date> => new Date((await databaseNow(database)).getTime() + ms);

describe('a challenge that nobody trades', () => {
  it('is on its next day within 5 s of midnight, and its page is told the new floors', async () => {
    const system = await startSystem();
    try {
      const { challenge_id } = await system.api.open();
      await system.api.post(challenge_id, { realized_pnl: '-400.00' });
      const midnight = await inMs(500);
      await endDay(database, [challenge_id], midnight);
      const [rolled] = await until(
        () => rollsOf([challenge_id], midnight),
        ({ length }) => length > 0,
      );
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
        [challenge_id],
      );
      expect(rows[0]!.state).toEqual({ ...state, event_id: rows[0]!.state.event_id });
    } finally {
      await system.stop();
    }
  });

  it('is left alone once it has ended', async () => {
    const system = await startSystem();
    try {
      const { challenge_id } = await system.api.open();
      await system.api.post(challenge_id, { realized_pnl: '-2000.00' });
      const { challenge_id: other } = await system.api.open();
      const midnight = await inMs(0);
      await endDay(database, [challenge_id, other], midnight);
      await until(
        () => rollsOf([other], midnight),
        ({ length }) => length > 0,
      );
      expect(await rollsOf([challenge_id], midnight)).toEqual([]);
    } finally {
      await system.stop();
    }
  });

  it('is rolled after days without any instance, each day in turn, once', async () => {
    const system = await startSystem();
    const { challenge_id } = await system.api.open();
    await system.stop();
    const midnight = await inMs(-5 * 86_400_000);
    await endDay(database, [challenge_id], midnight);
    const again = await startSystem();
    try {
      await until(
        () => rollsOf([challenge_id], midnight),
        ({ length }) => length > 0,
      );
      const { day, sequence } = await again.api.read(challenge_id);
      expect(day.date).toBe((await databaseNow(database)).toISOString().slice(0, 10));
      const told = await rollsOf([challenge_id], midnight);
      expect(told.at(-1)!.body.state.day.date).toBe(day.date);
      expect(told.map((row) => row.sequence)).toEqual(Array.from({ length: sequence }, (_, index) => `${index + 1}`));
    } finally {
      await again.stop();
    }
  });
});

describe('a challenge that another session holds', () => {
  it('keeps no other from its next day, and is rolled when it is free', async () => {
    const system = await startSystem();
    const holder = new pg.Client({ connectionString: ground.databaseUrl('postgres') });
    await holder.connect();
    try {
      const { challenge_id } = await system.api.open();
      const midnight = await inMs(500);
      const others = await quietChallenges(database, { like: challenge_id, count: 100, endsAt: midnight });
      await holder.query('begin');
      await holder.query('select from challenge where id = $1 for update', [others[50]]);
      const told = await until(
        () => rollsOf(others, midnight),
        ({ length }) => length >= 99,
      );
      expect(told.map(({ aggregateid }) => aggregateid)).not.toContain(others[50]);
      expect(Math.max(...told.map(({ after_ms }) => after_ms))).toBeLessThan(5_000);
      await holder.query('commit');
      await until(
        () => rollsOf([others[50]!], midnight),
        ({ length }) => length === 1,
      );
    } finally {
      await holder.end();
      await system.stop();
    }
  });
});

describe('two instances, and a trade at the very boundary (M8)', () => {
  it('roll each day once, from the balance that midnight found', async () => {
    const systems = [await startSystem(), await startSystem()];
    try {
      const { challenge_id } = await systems[0]!.api.open();
      const midnight = await inMs(2_000);
      const ids = await quietChallenges(database, { like: challenge_id, count: 400, endsAt: midnight });
      // A third trades around midnight, a third while the schedulers are at work, the others not at all.
      const postAt = async (id: string, ms: number, system: System): Promise<void> => {
        await until(
          async () => (await databaseNow(database)).getTime(),
          (now) => now >= midnight.getTime() + ms,
          { everyMs: 5 },
        );
        await system.api.post(id, { realized_pnl: '100.00' });
      };
      const traded = ids.filter((_, index) => index % 3 !== 2);
      await Promise.all(
        traded.map((id, index) =>
          postAt(id, (index % 2 === 0 ? 0 : 2_000) + ((index * 7) % 1_200) - 100, systems[Math.floor(index / 2) % 2]!),
        ),
      );
      await until(
        async () => new Set((await rollsOf(ids, midnight)).map(({ aggregateid }) => aggregateid)).size,
        (count) => count === ids.length,
      );
      expect(await rollsOf(ids, midnight)).toHaveLength(ids.length);
      const { rows } = await database.query<{ wrong: number; before: number; after: number }>(
        `select count(*) filter (where daily_start_equity <> 10000 + coalesce(before, 0) or current_equity <> 10000 +
                                       coalesce(pnl, 0) or day_date <> ($2::timestamptz at time zone 'UTC')::date)::int as wrong,
                count(*) filter (where before > 0)::int as before, count(*) filter (where pnl > coalesce(before, 0))::int as after
           from challenge
                left join (select challenge_id, sum(realized_pnl) as pnl,
                                  sum(realized_pnl) filter (where recorded_at < $2) as before
                             from trade group by challenge_id) traded on challenge_id = id
          where id = any($1)`,
        [ids, midnight.toISOString()],
      );
      expect(rows[0]).toMatchObject({ wrong: 0 });
      expect(rows[0]!.before).toBeGreaterThan(0);
      expect(rows[0]!.after).toBeGreaterThan(0);
    } finally {
      await Promise.all(systems.map((system) => system.stop()));
    }
  });
});

/** At full size: `npm run soak -- rolls`. */
describe('midnight for many', () => {
  it('is over at the configured rate, while others trade on', async () => {
    const seen = await rolls(ground, { challenges: 4_000, rollsPerS: 2_000, rate: 50, calmSeconds: 2 });
    expect(seen.breaches).toEqual([]);
    expect(seen.firstMs).toBeLessThan(5_000);
    expect(seen.lastMs).toBeLessThan(8_000);
    expect(seen.meanwhile.p99).toBeLessThan(1_000); // the soak compares with the same seconds without a midnight
  });
});
