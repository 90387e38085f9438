import { topicsOf } from '@tradesense/contracts';
import type { Stack } from '@tradesense/local';

import { median } from '../../bench/figures.js';
import { Acls } from '../../support/acls.js';
import type { Verdict } from '../../support/log-check.js';
import { groundOn, privateStack } from '../../support/stack.js';
import { System } from '../../support/system.js';
import { checkLog } from '../../support/topic-log.js';
import { until } from '../../support/until.js';
import { ask, settled } from './settled.js';
import { TradeLoad, every, type Posted } from './trade-load.js';

export interface Case4Options {
  readonly rate: number;
  readonly calmSeconds: number;
  /** Kafka stands still. */
  readonly frozenSeconds: number;
  /** Kafka refuses the relay the topic of events, and only that. */
  readonly deniedSeconds: number;
  readonly recoverWithinMs: number;
  readonly tell?: (text: string) => void;
}

export interface Outage {
  readonly seconds: number;
  /** Median answer of a trade meanwhile. */
  readonly tradeMs: number;
  readonly refused: number;
  /** What the relay told of the age of its oldest row, each second. */
  readonly lagS: readonly number[];
  /** From Kafka's return until everything was acknowledged. */
  readonly recoveredMs: number;
}

export interface Case4Report {
  readonly verdict: Verdict;
  readonly calmMs: number;
  readonly frozen: Outage;
  readonly denied: Outage;
  /** Rows given up as dead letters, and challenges that wait behind one. */
  readonly parked: number;
}

/** Kafka asks who may do what; until somebody says otherwise, everybody may everything. */
export const case4Stack = (): Promise<Stack> =>
  privateStack({
    kafka: {
      'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
      'allow.everyone.if.no.acl.found': 'true',
    },
  });

const answered = (posts: readonly Posted[]): number =>
  median(posts.filter(({ status }) => status === 201).map(({ tookMs }) => tookMs));

/** Trades go on while Kafka stands still, and later while it refuses one topic. */
export async function case4(stack: Stack, options: Case4Options): Promise<Case4Report> {
  const { rate, calmSeconds, tell = () => undefined } = options;
  const ground = groundOn(stack);
  const url = stack.databaseUrl('postgres');
  const { events } = topicsOf(ground.topicPrefix);
  const system = await System.start(ground, { services: ['trade', 'relay'], env: { relay: { LEASE_MS: '10000' } } });
  const acls = new Acls(stack.kafkaBrokers);
  try {
    const load = await TradeLoad.open(system, 50);
    await load.run({ rate, seconds: Math.min(calmSeconds, 3) }); // what has just started is slower
    const calm = await load.run({ rate, seconds: calmSeconds });
    await settled(url, 20_000);

    const outage = async (seconds: number, begin: () => Promise<void>, end: () => Promise<void>): Promise<Outage> => {
      const over = new AbortController();
      const lagS: number[] = [];
      await begin();
      const watching = every(1_000, over.signal, async () => {
        lagS.push((await system.service('relay').metric('tradesense_relay_lag_seconds')) ?? NaN);
      });
      const posts = await load.run({ rate, seconds });
      over.abort();
      await watching;
      await end();
      const backMs = performance.now();
      await settled(url, options.recoverWithinMs + 60_000);
      await until(
        () => system.service('relay').metric('tradesense_relay_lag_seconds'),
        (lag) => lag === 0,
      );
      const recoveredMs = performance.now() - backMs;
      return {
        seconds,
        tradeMs: answered(posts),
        refused: posts.filter(({ status }) => status !== 201).length,
        lagS,
        recoveredMs,
      };
    };
    tell(`Kafka stands still for ${options.frozenSeconds} s`);
    const frozen = await outage(
      options.frozenSeconds,
      () => stack.kafka.freeze(),
      () => stack.kafka.thaw(),
    );
    tell(`Kafka refuses the topic of events for ${options.deniedSeconds} s`);
    const denied = await outage(
      options.deniedSeconds,
      () => acls.denyWriting(events.name),
      () => acls.allow(events.name),
    );
    const [parked] = await ask<{ count: number }>(url, 'select count(*)::int from parked');
    const verdict = await checkLog(ground, events);
    return { verdict, calmMs: answered(calm), frozen, denied, parked: parked?.count ?? NaN };
  } finally {
    await stack.kafka.thaw();
    await acls.close();
    await system.stop();
  }
}

/** Lag grows as time does: what it told last is about as old as the outage. */
export const grows = ({ seconds, lagS }: Outage): boolean => {
  const last = lagS.at(-1) ?? NaN;
  const rising = lagS.every((lag, index) => index === 0 || lag >= (lagS[index - 1] ?? 0));
  return rising && last > 0.7 * seconds - 2 && last < seconds + 10;
};
