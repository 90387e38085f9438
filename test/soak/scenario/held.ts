import { topicsOf } from '@tradesense/contracts';

import { percentile } from '../../bench/figures.js';
import { atConstantRate } from '../../bench/load/arrivals.js';
import type { Verdict } from '../../support/log-check.js';
import { OutboxWriter, WriterChallenges } from '../../support/outbox-writers.js';
import { Relays } from '../../support/relays.js';
import { CommitToKafka, SteadyWriters } from '../../support/steady-writers.js';
import type { Ground } from '../../support/system.js';
import { checkLog } from '../../support/topic-log.js';
import { until } from '../../support/until.js';
import { settled } from './settled.js';

export interface HeldOptions {
  readonly seconds: number;
  /** Events of others, per second. */
  readonly rate: number;
}

export interface HeldReport {
  readonly verdict: Verdict;
  /** From commit to Kafka, of the others: before the transaction was held, and meanwhile. */
  readonly before: { readonly p50: number; readonly p99: number };
  readonly meanwhile: { readonly p50: number; readonly p99: number; readonly max: number };
  /** Events of the others in Kafka while it was held. */
  readonly published: number;
  /** Of the held transaction's own event, from its commit. */
  readonly ownMs: number;
}

/** One transaction draws a position and stays open while others trade on. */
export async function held(ground: Ground, { seconds, rate }: HeldOptions): Promise<HeldReport> {
  const url = ground.databaseUrl('postgres');
  const { events } = topicsOf(ground.topicPrefix);
  const relays = new Relays(ground);
  const own = await WriterChallenges.create(url, 1);
  const holder = await OutboxWriter.open(url);
  const writers = await SteadyWriters.open({
    url,
    events: 1,
    committed: (id, sequence, ms) => meter.committedAt(id, sequence, ms),
  });
  const meter = await CommitToKafka.open(ground.brokers, events, [...writers.challenges, ...own.ids]);
  try {
    await (await relays.start()).ready();
    const calm = async () => {
      const fromMs = Date.now();
      await atConstantRate({ rate, seconds }, () => writers.write());
      await until(
        () => meter.outstanding,
        (count) => count === 0,
        { what: "the others' events are in Kafka" },
      );
      return meter.between(fromMs);
    };
    await calm(); // what has just started is slower
    const before = await calm();
    await holder.begin();
    await holder.append(own.ids[0]!);
    const meanwhile = await calm();
    const early = meter.delays.length;
    await holder.commit();
    meter.committedAt(own.ids[0]!, 1, Date.now());
    await until(
      () => meter.delays.length,
      (count) => count === early + 1,
      { what: 'the held event is in Kafka' },
    );
    await settled(url, 10_000);
    return {
      verdict: await checkLog(ground, events),
      before: { p50: percentile(before, 0.5), p99: percentile(before, 0.99) },
      meanwhile: { p50: percentile(meanwhile, 0.5), p99: percentile(meanwhile, 0.99), max: Math.max(...meanwhile) },
      published: meanwhile.length,
      ownMs: meter.delays.at(-1)?.delayMs ?? NaN,
    };
  } finally {
    await relays.processes.stop();
    await Promise.all([meter.close(), writers.close(), holder.close(), own.close()]);
  }
}
