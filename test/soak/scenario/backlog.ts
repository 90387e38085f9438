import { setTimeout as delay } from 'node:timers/promises';

import { topicsOf } from '@tradesense/contracts';

import type { Verdict } from '../../support/log-check.js';
import { Relays } from '../../support/relays.js';
import { SteadyWriters } from '../../support/steady-writers.js';
import type { Ground } from '../../support/system.js';
import { checkLog } from '../../support/topic-log.js';
import { behind } from './settled.js';
import { usageOf, type Usage } from './usage.js';

export interface BacklogReport {
  readonly verdict: Verdict;
  readonly seconds: number;
  /** While it drained, a sample every `SAMPLE_MS`. */
  readonly samples: readonly Usage[];
}

const SAMPLE_MS = 250;
const AT_ONCE = 100_000;
/** Slower than this it has not drained at all. */
const LEAST_PER_S = 1_000;

/** So many rows, half of them events, wait for a relay that has just started. */
export async function backlog(ground: Ground, rows: number): Promise<BacklogReport> {
  const url = ground.databaseUrl('postgres');
  const writers = await SteadyWriters.open({ url, events: 100 });
  for (let left = rows; left > 0; left -= AT_ONCE) await writers.writeAtOnce(Math.min(left, AT_ONCE));
  await writers.close();

  const relays = new Relays(ground);
  const samples: Usage[] = [];
  try {
    const relay = await relays.start('relay', { env: { LEASE_MS: '10000' } });
    await relay.ready();
    const deadline = performance.now() + 30_000 + (rows / LEAST_PER_S) * 1_000;
    while ((await behind(url)) > 0) {
      if (performance.now() > deadline) throw new Error(`${await behind(url)} rows are left\n${relay.tail()}`);
      samples.push(await usageOf(relay));
      await delay(SAMPLE_MS);
    }
    samples.push(await usageOf(relay));
    const [taken] = relay.logged('lease taken');
    const seconds = (Date.now() - Date.parse(taken?.time ?? '')) / 1_000;
    return { verdict: await checkLog(ground, topicsOf(ground.topicPrefix).events), seconds, samples };
  } finally {
    await relays.processes.stop();
  }
}

/** The most memory in the second half of the drain, in terms of the most in the first. */
export function growth(samples: readonly Usage[]): number {
  const half = Math.floor(samples.length / 2);
  const most = (some: readonly Usage[]): number => Math.max(...some.map(({ rssMb }) => rssMb));
  return most(samples.slice(half)) / most(samples.slice(0, half));
}
