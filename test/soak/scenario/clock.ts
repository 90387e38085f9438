import { topicsOf, type Watermark } from '@tradesense/contracts';

import { atConstantRate } from '../../bench/load/arrivals.js';
import type { Verdict } from '../../support/log-check.js';
import type { ServiceProcess } from '../../support/processes.js';
import { Relays, leads } from '../../support/relays.js';
import { SteadyWriters } from '../../support/steady-writers.js';
import type { Ground } from '../../support/system.js';
import { checkLog, eachRecord } from '../../support/topic-log.js';
import { until } from '../../support/until.js';
import { ask, settled } from './settled.js';

const OFF_MS = 10 * 60_000;

export interface ClockOptions {
  readonly seconds: number;
  readonly leaseMs: number;
  /** Between two steps of a clock. */
  readonly stepMs: number;
}

export interface ClockReport {
  readonly verdict: Verdict;
  /** What the leader's first words were off by: less than minutes, and nothing has been tried. */
  readonly offMs: number;
  /** Leases taken while nothing but the clocks had changed: 1. */
  readonly leasesTaken: number;
  /** From the leader's SIGKILL until the other had the lease, by the database. */
  readonly takeOverMs: number;
  /** The greatest that the leader told of itself, while it had no reason for either. */
  readonly lagS: number;
  readonly asOfAgeS: number;
  /** Longest distance, in either direction, of a watermark's times from when the broker stored it. */
  readonly watermarkOffMs: number;
  readonly asOfOffMs: number;
  readonly watermarks: number;
  readonly unclearSends: number;
}

/** Back and forth between ten minutes ahead and ten behind, beginning with `first`. */
const stepsOf = (first: 1 | -1, { seconds, stepMs }: ClockOptions): string =>
  Array.from({ length: Math.ceil((seconds * 1_000) / stepMs) + 20 }, (_, index) => {
    const ahead = index % 2 === 0 ? first : -first;
    return `${index * stepMs}:${ahead * OFF_MS}`;
  }).join(',');

/** Two relays whose clocks are twenty minutes apart and step, one of them killed in the end. */
export async function clock(ground: Ground, options: ClockOptions): Promise<ClockReport> {
  const { seconds, leaseMs } = options;
  const url = ground.databaseUrl('postgres');
  const { events, watermarks } = topicsOf(ground.topicPrefix);
  const relays = new Relays(ground);
  const start = (name: string, first: 1 | -1): Promise<ServiceProcess> =>
    relays.start(name, {
      preload: 'test/dist/support/shifted-clock.js',
      env: { CLOCK_STEPS: stepsOf(first, options), LEASE_MS: String(leaseMs) },
    });
  const writers = await SteadyWriters.open({ url, events: 1 });
  try {
    const leader = await (await start('ahead', 1)).ready();
    // It is ready when it stands by, and its words arrive after that.
    const said = await until(
      () => leader.logged('lease taken')[0],
      (line) => line !== undefined,
      { withinMs: 15_000, what: 'the first relay leads' },
    );
    const offMs = Math.abs(Date.parse(String(said?.time)) - Date.now());
    const standby = await (await start('behind', -1)).ready();
    let lagS = 0;
    let asOfAgeS = 0;
    await atConstantRate({ rate: 50, seconds }, async (index) => {
      if (index % 10 === 0) {
        lagS = Math.max(lagS, (await leader.metric('tradesense_relay_lag_seconds')) ?? NaN);
        asOfAgeS = Math.max(asOfAgeS, (await leader.metric('tradesense_relay_as_of_age_seconds')) ?? NaN);
      }
      await writers.write();
    });
    const [lease] = await ask<{ generation: number }>(url, `select generation::int from relay where name = 'outbox'`);

    await leader.kill();
    const killedMs = performance.now();
    await until(() => leads(standby), Boolean, { withinMs: 2 * leaseMs + 10_000, what: 'the standby leads' });
    const takeOverMs = performance.now() - killedMs;
    await writers.write();
    await settled(url, 20_000);

    let watermarkOffMs = 0;
    let asOfOffMs = 0;
    let count = 0;
    await eachRecord(ground.brokers, watermarks, ({ value, timestampMs }) => {
      const { at, as_of } = JSON.parse(String(value)) as Watermark;
      const from = (time: string): number => Math.abs(timestampMs - Date.parse(time));
      count += 1;
      watermarkOffMs = Math.max(watermarkOffMs, from(at));
      asOfOffMs = Math.max(asOfOffMs, from(as_of));
    });
    return {
      verdict: await checkLog(ground, events),
      offMs,
      leasesTaken: lease?.generation ?? NaN,
      takeOverMs,
      lagS,
      asOfAgeS,
      watermarkOffMs,
      asOfOffMs,
      watermarks: count,
      unclearSends: relays.all.reduce((sum, relay) => sum + relay.logged('not acknowledged: repeating').length, 0),
    };
  } finally {
    await relays.processes.stop();
    await writers.close();
  }
}
