import { topicsOf } from '@tradesense/contracts';
import type { Stack } from '@tradesense/local';
import pg from 'pg';

import { percentile } from '../../bench/figures.js';
import { atConstantRate } from '../../bench/load/arrivals.js';
import type { Verdict } from '../../support/log-check.js';
import type { ServiceProcess } from '../../support/processes.js';
import { Relays } from '../../support/relays.js';
import { groundOn } from '../../support/stack.js';
import { CommitToKafka, SteadyWriters } from '../../support/steady-writers.js';
import { checkLog } from '../../support/topic-log.js';
import { until } from '../../support/until.js';
import { ask, settled } from './settled.js';
import { usageOf } from './usage.js';

export interface PinnedOptions {
  /** Of each drain. */
  readonly drainRows: number;
  readonly rowsPerS: number;
  readonly seconds: number;
  /** What is compared: so much at the beginning and at the end. */
  readonly windowSeconds: number;
  readonly tell?: (text: string) => void;
}

export interface Window {
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Of the relay. */
  readonly cpuMsPerRow: number;
  readonly events: number;
}

export interface PinnedReport {
  readonly verdict: Verdict;
  readonly drainPerS: { readonly start: number; readonly end: number };
  readonly first: Window;
  readonly last: Window;
  readonly deadInRanges: number;
  /** Of the relay's own row, which is updated: for comparison. */
  readonly deadInRelay: number;
}

const EVENTS_AT_ONCE = 10;

/** One relay under steady load, while a session holds a snapshot open that keeps every dead row. */
export async function pinnedXmin(stack: Stack, options: PinnedOptions): Promise<PinnedReport> {
  const { drainRows, rowsPerS, seconds, windowSeconds, tell = () => undefined } = options;
  const ground = groundOn(stack);
  const url = stack.databaseUrl('postgres');
  const { events } = topicsOf(ground.topicPrefix);
  const relays = new Relays(ground);
  const writers = await SteadyWriters.open({
    url,
    events: EVENTS_AT_ONCE,
    committed: (id, sequence, ms) => meter.committedAt(id, sequence, ms),
  });
  // Challenges of their own: what is drained is not measured row by row.
  const bulk = await SteadyWriters.open({ url, events: 20, connections: 1 });
  const meter = await CommitToKafka.open(ground.brokers, events, writers.challenges);
  const pin = new pg.Client({ connectionString: url, application_name: 'pin' });
  await pin.connect();
  try {
    const env = { LEASE_MS: '10000', SAVE_MS: '1000', WATERMARK_MS: '1000' };
    const relay = await (await relays.start('relay', { env })).ready();
    const drained = () => drain(bulk, relay, drainRows);
    await drained(); // what has just started is slower
    tell('draining');
    const start = await drained();

    await pin.query('begin isolation level repeatable read');
    await pin.query('select count(*) from relay');
    tell(`${rowsPerS} rows/s for ${seconds} s, under a snapshot held open`);
    const [first, last] = await steadily({ writers, meter, relay, rowsPerS, seconds, windowSeconds });
    tell('draining again');
    const end = await drained();
    await settled(url, 20_000);

    return {
      verdict: await checkLog(ground, events),
      drainPerS: { start, end },
      first,
      last,
      deadInRanges: await deadRows(url, `relname like 'outbox%'`),
      deadInRelay: await deadRows(url, `relname = 'relay'`),
    };
  } finally {
    await pin.end();
    await relays.processes.stop();
    await Promise.all([meter.close(), writers.close(), bulk.close()]);
  }
}

const published = async (relay: ServiceProcess): Promise<number> =>
  (await relay.metric('tradesense_relay_published_total', 'challenge-events')) ?? 0; // no series before the first

/** Rows per second, from the moment in which all of them become visible until the last is acknowledged. */
async function drain(writers: SteadyWriters, relay: ServiceProcess, rows: number): Promise<number> {
  const before = await published(relay);
  await writers.writeAtOnce(rows);
  const visibleMs = performance.now();
  await until(
    () => published(relay),
    (count) => count >= before + rows / 2,
    { withinMs: 120_000, what: `${rows} rows are drained` },
  );
  return rows / ((performance.now() - visibleMs) / 1_000);
}

interface Steady extends Pick<PinnedOptions, 'rowsPerS' | 'seconds' | 'windowSeconds'> {
  readonly writers: SteadyWriters;
  readonly meter: CommitToKafka;
  readonly relay: ServiceProcess;
}

async function steadily(steady: Steady): Promise<readonly [Window, Window]> {
  const { writers, relay, rowsPerS, seconds, windowSeconds } = steady;
  const rate = rowsPerS / 2 / EVENTS_AT_ONCE;
  await atConstantRate({ rate, seconds: Math.min(10, windowSeconds) }, () => writers.write()); // what has just started is slower
  const startMs = performance.now();
  const at = (second: number): Promise<Moment> => momentAt(relay, startMs + second * 1_000);
  const moments = Promise.all([at(0), at(windowSeconds), at(seconds - windowSeconds), at(seconds)]);
  await atConstantRate({ rate, seconds }, () => writers.write());
  const [a, b, c, d] = await moments;
  await until(
    () => steady.meter.outstanding,
    (count) => count === 0,
    { withinMs: 60_000, what: 'all of it is in Kafka' },
  );
  return [windowOf(steady.meter, a, b), windowOf(steady.meter, c, d)];
}

interface Moment {
  readonly epochMs: number;
  readonly cpuS: number;
  readonly published: number;
}

async function momentAt(relay: ServiceProcess, dueMs: number): Promise<Moment> {
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, dueMs - performance.now())));
  const { cpuS } = await usageOf(relay);
  return { epochMs: Date.now(), cpuS, published: await published(relay) };
}

function windowOf(meter: CommitToKafka, from: Moment, to: Moment): Window {
  const delays = meter.between(from.epochMs, to.epochMs);
  return {
    p50Ms: percentile(delays, 0.5),
    p99Ms: percentile(delays, 0.99),
    cpuMsPerRow: ((to.cpuS - from.cpuS) * 1_000) / (2 * (to.published - from.published)),
    events: delays.length,
  };
}

/** As PostgreSQL counts them; its counts follow a second later. */
async function deadRows(url: string, which: string): Promise<number> {
  const [row] = await ask<{ dead: number }>(
    url,
    `select coalesce(sum(n_dead_tup), 0)::int as dead from pg_stat_user_tables where ${which}`,
  );
  return row?.dead ?? NaN;
}
