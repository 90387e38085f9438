/**
 * Trading depends on nothing but PostgreSQL: the service under single posts from 64 connections, in pairs of runs, one with
 * everything up (a) and one with Kafka down (b), the relay down (c), the gateway down (d), 1,000 clients that reconnect in a loop
 * (e), or a million rows of outbox that wait, the relay down (f). Then the relay is started, and the run beside which it publishes
 * them is shown as well: like (e) it shares the processors with others who work. Meanwhile it is watched who holds the lock that
 * NOTIFY takes.
 *
 *   npm run bench -- isolation [--pairs 5] [--seconds 5] [--per-second N] [--backlog 1000000] [--only b,c,d,e,f,f_published]
 *
 * With --per-second trades arrive at that rate, whatever becomes of them, and latencies count from the moment each was due.
 *
 * The last line printed is JSON with medians; ratios are of the two runs of a pair. It fails when (b), (c), (d) or (f) trades
 * less than 0.9 times as much as (a) or waits more than 1.25 times as long in the 99th percentile, when a trade was refused, and
 * when a session that writes trades held that lock.
 */
import { parseArgs } from 'node:util';

import { behind } from '../soak/scenario/settled.js';
import { groundOn, privateStack } from '../support/stack.js';
import { System } from '../support/system.js';
import { tokens } from '../support/tokens.js';
import { until } from '../support/until.js';
import { Child } from './child.js';
import { median, round, table } from './figures.js';
import { processorSeconds } from './outbox/process-figures.js';
import { machine } from './scene.js';
import { Backlog } from './trading/backlog.js';
import { checkpoint, durabilityOf } from './trading/durability.js';
import type { Returned, ReturningAsk, Run, Traded, TradingAsk } from './trading/messages.js';
import { ObjectLocks, type ObjectLocksSeen } from './trading/object-locks.js';
import { sampleOf } from './trading/pgbench.js';
import { seats } from './trading/scene.js';

const CHALLENGES = 1_000;
const CONNECTIONS = 64;
const CLIENTS = 1_000;
const WARM_UP_S = 1;
const FIRST_S = 3;
const CAUGHT_UP_WITHIN_MS = 300_000;
const LIMITS = { throughput: 0.9, p99: 1.25 };

const CASES = ['b', 'c', 'd', 'e', 'f', 'f_published'] as const;
type Case = (typeof CASES)[number];
/** What processors can not be had for twice is shown, not judged. */
const SHARED: readonly Case[] = ['e', 'f_published'];
const IN_WORDS: Readonly<Record<'a' | Case, string>> = {
  a: 'everything up',
  b: 'Kafka down',
  c: 'relay down',
  d: 'gateway down',
  e: `${CLIENTS} clients reconnecting`,
  f: 'backlog waits',
  f_published: 'backlog is published',
};

const { values } = parseArgs({
  options: {
    pairs: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '5' },
    'per-second': { type: 'string' },
    backlog: { type: 'string', default: '1000000' },
    only: { type: 'string', default: CASES.join(',') },
  },
});
const pairs = Number(values.pairs);
const seconds = Number(values.seconds);
const perSecond = values['per-second'] === undefined ? undefined : Number(values['per-second']);
const backlogRows = Number(values.backlog);
const chosen = CASES.filter((one) => values.only.split(',').includes(one));

interface Shares {
  /** Shares of one processor while it was traded. */
  readonly trade: number;
  readonly relay: number;
  readonly gateway: number;
}
interface Measured extends Traded {
  readonly shares: Shares;
  readonly clients: Returned | undefined;
}
interface Pair {
  readonly up: Measured;
  readonly hit: Measured;
}
type Pairs = ReadonlyMap<Case, Pair[]>;

const SERVICES = ['trade', 'relay', 'gateway'] as const;

async function measure(): Promise<{ pairs: Pairs; locks: ObjectLocksSeen; durability: string }> {
  const stack = await privateStack();
  const superuser = stack.databaseUrl('postgres');
  const posters = new Child<TradingAsk>('trading/trading-process');
  const returning = new Child<ReturningAsk>('trading/returning-process');
  const system = await System.start(groundOn(stack), {
    env: { gateway: { MAX_CONNECTIONS_PER_USER: '0', MAX_CONNECTIONS_PER_ADDRESS: '0' } },
  });
  const target = { url: system.tradeUrl, token: await tokens.service() };

  const caughtUp = async (): Promise<void> => {
    await until(
      () => behind(superuser),
      (rows) => rows === 0,
      { withinMs: CAUGHT_UP_WITHIN_MS, everyMs: 250, what: 'the relay has published everything' },
    );
    await system.service('gateway').ready();
    await checkpoint(superuser);
  };
  const run = async (forS = seconds): Promise<Measured> => {
    const used = (): readonly number[] =>
      SERVICES.map((name) => (system.service(name).isRunning ? processorSeconds(system.service(name).pid) : NaN));
    const options: Run = { book: 'traded', target, perRequest: 1, warmUpS: WARM_UP_S, seconds: forS };
    const [before, beganMs] = [used(), performance.now()];
    const traded = await posters.ask<Traded>(
      perSecond === undefined
        ? { act: 'saturate', connections: CONNECTIONS, ...options }
        : { act: 'arrive', perSecond, ...options },
    );
    const tookS = (performance.now() - beganMs) / 1_000;
    const [trade = NaN, relay = NaN, gateway = NaN] = used().map((after, index) => (after - before[index]!) / tookS);
    return { ...traded, shares: { trade, relay, gateway }, clients: undefined };
  };

  try {
    const durability = await durabilityOf(superuser);
    const [traded, quiet] = [seats(CHALLENGES), seats(CHALLENGES)];
    await posters.ask({ act: 'open', book: 'traded', target, seats: traded });
    await posters.ask({ act: 'open', book: 'quiet', target, seats: quiet });
    await run(FIRST_S);
    await caughtUp();
    const sample = await sampleOf(superuser);
    const backlog = new Backlog(
      superuser,
      quiet.map(({ challengeId }) => challengeId),
      sample,
    );

    const leaveBacklog = async (): Promise<void> => {
      await system.service('relay').stop();
      await backlog.append(backlogRows);
      await checkpoint(superuser);
    };
    const hit: Readonly<Record<Case, () => Promise<Measured>>> = {
      b: async () => {
        await stack.kafka.stop();
        return run().finally(() => stack.kafka.start());
      },
      c: async () => {
        await system.service('relay').stop();
        return run().finally(() => system.start('relay'));
      },
      d: async () => {
        await system.service('gateway').stop();
        return run().finally(() => system.start('gateway'));
      },
      e: async () => {
        await returning.ask({ act: 'start', url: system.gatewayUrl, seats: traded.slice(0, CLIENTS) });
        const measured = await run();
        return { ...measured, clients: await returning.ask<Returned>({ act: 'stop' }) };
      },
      f: async () => {
        await leaveBacklog();
        return run().finally(() => system.start('relay'));
      },
      f_published: async () => {
        await leaveBacklog();
        await system.start('relay');
        const measured = await run();
        if ((await behind(superuser)) === 0) throw new Error('the backlog was gone before the run was over');
        return measured;
      },
    };
    const all: Pairs = new Map(chosen.map((one) => [one, []]));
    const watch = await ObjectLocks.watch(superuser);
    for (let number = 1; number <= pairs; number += 1)
      for (const one of chosen) {
        const pair: { up?: Measured; hit?: Measured } = {};
        // In turns the first of the two: neither has always the warmer machine.
        for (const which of number % 2 === 1 ? (['up', 'hit'] as const) : (['hit', 'up'] as const)) {
          await caughtUp();
          pair[which] = which === 'up' ? await run() : await hit[one]();
        }
        all.get(one)?.push(pair as Pair);
        process.stderr.write(`pair ${number} of ${pairs}, ${IN_WORDS[one]}: ${said(pair as Pair)}\n`);
      }
    return { pairs: all, locks: await watch.stop(), durability };
  } finally {
    posters.close();
    returning.close();
    await system.stop();
    await stack.stop();
  }
}

const said = ({ up, hit }: Pair): string => `${saidOf(hit)} beside ${saidOf(up)}`;
const saidOf = ({ perS, p99Ms }: Measured): string => `${round(perS, 0)}/s (p99 ${round(p99Ms)} ms)`;

const { pairs: measured, locks, durability } = await measure();

const of = (runs: readonly Measured[], read: (run: Measured) => number): number => median(runs.map(read));
const figuresOf = (runs: readonly Measured[]) => ({
  per_s: round(
    of(runs, ({ perS }) => perS),
    0,
  ),
  p99_ms: round(of(runs, ({ p99Ms }) => p99Ms)),
});
const everyUp = [...measured.values()].flatMap((all) => all.map(({ up }) => up));
const rows = [...measured].map(([name, all]) => {
  const hits = all.map(({ hit }) => hit);
  return {
    name,
    hits,
    figures: figuresOf(hits),
    throughput: round(median(all.map(({ up, hit }) => hit.perS / up.perS)), 2),
    p99: round(median(all.map(({ up, hit }) => hit.p99Ms / up.p99Ms)), 2),
    clientsShare: round(median(hits.map(({ clients }) => clients?.processorShare ?? NaN)), 2),
    joinsPerS: round(median(hits.map(({ clients }) => clients?.joinsPerS ?? NaN)), 0),
  };
});
const refusals = [...measured.values()]
  .flat()
  .flatMap(({ up, hit }) => [up, hit])
  .filter(({ refused }) => refused > 0);
const missed = [
  ...rows
    .filter(({ name }) => !SHARED.includes(name))
    .flatMap(({ name, throughput, p99 }) => [
      ...(throughput < LIMITS.throughput ? [`(${name}) trades ${throughput} < ${LIMITS.throughput} of (a)`] : []),
      ...(p99 > LIMITS.p99 ? [`(${name}) p99 is ${p99} > ${LIMITS.p99} of (a)`] : []),
    ]),
  ...refusals.map(({ refused, firstRefusal }) => `${refused} trades were refused, first: ${firstRefusal}`),
  ...(locks.atWriters > 0 ? [`sessions that write trades held an object lock ${locks.atWriters} times`] : []),
  ...(locks.atNotifier === 0 ? ['the lock that NOTIFY takes was never seen: this sees nothing'] : []),
];

const share = (runs: readonly Measured[], name: keyof Shares): string | number => {
  const value = of(runs, ({ shares }) => shares[name]);
  return Number.isNaN(value) ? '' : round(value * 100, 0);
};
const shares = (runs: readonly Measured[]): (string | number)[] => SERVICES.map((name) => share(runs, name));
const load = perSecond === undefined ? `${CONNECTIONS} connections` : `${perSecond} a second`;
console.log(`isolation: single posts, ${load} on ${CHALLENGES} challenges, ${seconds} s a run; ${machine()}`);
console.log(`PostgreSQL: ${durability}; medians of ${pairs} pairs, each case beside its own run of (a), in turns`);
console.log(
  `ratios: of the two runs of a pair; service, relay, gateway, clients: % of one processor; backlog: ${backlogRows} rows\n`,
);
console.log(
  table(
    ['', 'trades/s', 'of (a)', 'p99 ms', 'of (a)', 'service', 'relay', 'gateway', 'clients', 'joins/s'],
    [
      [`(a) ${IN_WORDS.a}`, figuresOf(everyUp).per_s, '', figuresOf(everyUp).p99_ms, '', ...shares(everyUp), '', ''],
      ...rows.map(({ name, hits, figures, throughput, p99, clientsShare, joinsPerS }) => [
        ...[`(${name}) ${IN_WORDS[name]}`, figures.per_s, throughput, figures.p99_ms, p99, ...shares(hits)],
        ...(name === 'e' ? [round(clientsShare * 100, 0), joinsPerS] : ['', '']),
      ]),
    ],
  ),
);
console.log(
  `\nlocks of type object on database 0, in ${locks.looks} looks: ${locks.atWriters} at sessions that write trades, ${locks.atNotifier} at the one that notifies`,
);
for (const one of missed) console.log(`MISSED: ${one}`);
const cases = Object.fromEntries([
  ['a', figuresOf(everyUp)],
  ...rows.map(({ name, figures, throughput, p99, clientsShare }) => [
    name,
    {
      ...figures,
      per_s_ratio: throughput,
      p99_ratio: p99,
      ...(name === 'e' ? { clients_processor_share: clientsShare } : {}),
    },
  ]),
]);
console.log(`\n${JSON.stringify({ bench: 'isolation', cases, writers_object_locks: locks.atWriters })}`);
if (missed.length > 0) process.exitCode = 1;
