import { setTimeout as delay } from 'node:timers/promises';

import pg from 'pg';

import { percentile } from '../../bench/figures.js';
import { databaseNow, quietChallenges } from '../../support/quiet-challenges.js';
import { System, type Ground } from '../../support/system.js';
import { until } from '../../support/until.js';
import { TradeLoad, type Posted } from './trade-load.js';

export interface RollsOptions {
  /** That nobody trades, and whose day ends at the same moment. */
  readonly challenges: number;
  /** ROLLS_PER_S. */
  readonly rollsPerS: number;
  /** Trades per second, on other challenges, before midnight and after. */
  readonly rate: number;
  /** Of the measurement before midnight. */
  readonly calmSeconds: number;
  /** Of trades before that. Default 3. */
  readonly warmUpSeconds?: number;
  readonly tell?: (text: string) => void;
}

export interface RollsReport {
  /** From midnight to the first and to the last challenge's event. */
  readonly firstMs: number;
  readonly lastMs: number;
  /** Of the trades before midnight, and while days were rolled. */
  readonly calm: Latencies;
  readonly meanwhile: Latencies;
  /** In words: what was not rolled once. */
  readonly breaches: readonly string[];
}

interface Latencies {
  readonly p50: number;
  readonly p99: number;
  readonly trades: number;
}

/** From a challenge's midnight its roll takes this at most: rest, search, and all of them at the configured rate. */
const ROLLED_WITHIN_S = ({ challenges, rollsPerS }: RollsOptions): number => 15 + (2 * challenges) / rollsPerS;
const TRADED = 200;

/** Midnight for many challenges that nobody trades, beside others that are traded at a constant rate. */
export async function rolls(ground: Ground, options: RollsOptions): Promise<RollsReport> {
  const { challenges, rollsPerS, rate, calmSeconds, warmUpSeconds = 3, tell = () => undefined } = options;
  const system = await System.start(ground, {
    services: ['trade'],
    env: { trade: { ROLLS_PER_S: String(rollsPerS) } },
  });
  const database = new pg.Client({ connectionString: ground.databaseUrl('postgres') });
  try {
    await database.connect();
    const load = await TradeLoad.open(system, TRADED);
    const model = await system.api.open();
    const insertSeconds = 1 + challenges / 4_000;
    const midnightMs = Date.now() + (insertSeconds + warmUpSeconds + calmSeconds) * 1_000;
    const skewMs = (await databaseNow(database)).getTime() - Date.now();
    const endsAt = new Date(midnightMs + skewMs);
    await quietChallenges(database, { like: model.challenge_id, count: challenges, endsAt });
    await database.query('vacuum analyze challenge');
    tell(`${challenges} challenges are made`);

    const earlyMs = midnightMs - (warmUpSeconds + calmSeconds) * 1_000 - Date.now();
    if (earlyMs < 0) throw new Error(`making ${challenges} challenges took ${-earlyMs} ms too long`);
    await delay(earlyMs);
    await load.run({ rate, seconds: warmUpSeconds });
    const calm = await load.run({ rate, seconds: (midnightMs - Date.now()) / 1_000 });
    tell('midnight');

    const meanwhile: Posted[] = [];
    const rolling = new AbortController();
    const posting = (async () => {
      while (!rolling.signal.aborted) meanwhile.push(...(await load.run({ rate, seconds: 1 })));
    })();
    const DUE = 'select exists (select from challenge where closed_at is null and day_ends_at = $1) as due';
    await until(
      async () => (await database.query<{ due: boolean }>(DUE, [endsAt.toISOString()])).rows[0]!.due,
      (due) => !due,
      { withinMs: ROLLED_WITHIN_S(options) * 1_000, everyMs: 250, what: 'every day is rolled' },
    ).finally(() => rolling.abort());
    await posting;
    return {
      ...(await findings(database, endsAt, challenges)),
      calm: latenciesOf(calm),
      meanwhile: latenciesOf(meanwhile),
    };
  } finally {
    await system.stop();
    await database.end();
  }
}

const latenciesOf = (posted: readonly Posted[]): Latencies => {
  const failed = posted.find(({ status }) => status !== 201);
  if (failed !== undefined) throw new Error(`a trade was answered ${failed.status}: ${JSON.stringify(failed.problem)}`);
  const took = posted.map(({ tookMs }) => tookMs);
  return { p50: percentile(took, 0.5), p99: percentile(took, 0.99), trades: took.length };
};

async function findings(
  database: pg.Client,
  endsAt: Date,
  challenges: number,
): Promise<Pick<RollsReport, 'firstMs' | 'lastMs' | 'breaches'>> {
  const { rows } = await database.query<{ rolled: number; events: number; first_ms: number; last_ms: number }>(
    `select count(distinct aggregateid)::int as rolled, count(*)::int as events,
            extract(epoch from min(created_at) - $1::timestamptz)::float8 * 1000 as first_ms,
            extract(epoch from max(created_at) - $1::timestamptz)::float8 * 1000 as last_ms
       from outbox where type = 'CHALLENGE_UPDATED' and payload->>'reason' = 'DAY_ROLLED'`,
    [endsAt.toISOString()],
  );
  const { rolled, events, first_ms: firstMs, last_ms: lastMs } = rows[0]!;
  const breaches = [
    ...(rolled === challenges ? [] : [`${rolled} of ${challenges} challenges were rolled`]),
    ...(events === rolled ? [] : [`${events} events tell of ${rolled} rolls`]),
  ];
  return { firstMs, lastMs, breaches };
}
