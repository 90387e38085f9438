/**
 * The relay beside Debezium: both publish the same outbox, each to topics of its own, with the same key, value and headers, in
 * turns on one stack whose PostgreSQL syncs every commit. In each turn a backlog is drained, then rows come at 500 a second.
 *
 *   npm run bench -- relay [--rows 100000] [--seconds 20]
 *
 * Three turns of each; before its turn each publishes what it missed, which warms it up. The last line printed is JSON with
 * medians of the three; duplicates and gaps are counted over everything, restarts included. It fails when a target is missed.
 */
import { parseArgs } from 'node:util';

import { checkLog } from '../support/topic-log.js';
import { groundOn, privateStack } from '../support/stack.js';
import { median, percentile, round, table } from './figures.js';
import { debezium, ours, type Contender } from './outbox/contender.js';
import { Published, commitToKafka, drain } from './outbox/measure.js';
import { peakMemoryMb } from './outbox/process-figures.js';
import { OutboxRows } from './outbox/rows.js';
import { machine } from './scene.js';

const RUNS = 3;
const RATE = 500;
/** A leader that is frozen must find its lease again; how long a lease is has no part in what is measured. */
const LEASE_MS = 120_000;
const LIMITS = { drainRatio: 2, cpuRatio: 0.25, rssMb: 150, p50Ms: 3, p99Ms: 20 };

const { values } = parseArgs({
  options: { rows: { type: 'string', default: '100000' }, seconds: { type: 'string', default: '20' } },
});
const rowsPerDrain = Number(values.rows);
const seconds = Number(values.seconds);

interface Turn {
  readonly drain_per_s: number;
  readonly cpu_s_per_100k: number;
  readonly rss_mb: number;
  readonly p50_ms: number;
  readonly p99_ms: number;
}
interface Figures extends Turn {
  readonly duplicates: number;
  readonly gaps: number;
}
type Both<Value> = Readonly<Record<Contender['name'], Value>>;

async function turn(contender: Contender, brokers: readonly string[], rows: OutboxRows): Promise<Turn> {
  const published = new Published(brokers, contender.events.name);
  await contender.start();
  try {
    const { rowsPerS, processorSPer100k } = await drain(contender, published, rows, rowsPerDrain);
    await published.settled(rows.committed);
    const delays = await commitToKafka(contender.events, brokers, rows, { rate: RATE, seconds });
    return {
      drain_per_s: rowsPerS,
      cpu_s_per_100k: processorSPer100k,
      rss_mb: peakMemoryMb(contender.pid),
      p50_ms: percentile(delays, 0.5),
      p99_ms: percentile(delays, 0.99),
    };
  } finally {
    await published.close();
    await contender.stop();
  }
}

async function measure(): Promise<{
  turns: Both<readonly Turn[]>;
  figures: Both<Figures>;
  breaches: readonly string[];
}> {
  const stack = await privateStack({ topicPrefix: 'relay.', postgres: { wal_level: 'logical' } });
  try {
    await stack.makeTopics('debezium.');
    const rival = await debezium(stack, 'debezium.');
    const contenders = [ours(stack, 'relay.', LEASE_MS), rival] as const;
    const rows = await OutboxRows.open(stack.databaseUrl('postgres'));
    const turns: Both<Turn[]> = { ours: [], debezium: [] };
    try {
      await rows.backlog(rowsPerDrain / 2);
      for (let run = 1; run <= RUNS; run += 1)
        for (const contender of contenders) {
          turns[contender.name].push(await turn(contender, stack.kafkaBrokers, rows));
          process.stderr.write(`run ${run} of ${RUNS}, ${contender.name}: done\n`);
        }
      // What the last one's turn has written is the other's to publish as well.
      for (const contender of contenders) await catchUp(contender, stack.kafkaBrokers, rows);
    } finally {
      await rows.close();
      await rival.close();
    }
    const verdicts = await Promise.all(
      contenders.map(async ({ name, events }) => ({ name, ...(await checkLog(groundOn(stack), events)) })),
    );
    const of = (name: Contender['name']): Figures => {
      const verdict = verdicts.find((one) => one.name === name)!;
      return { ...medians(turns[name]), duplicates: verdict.repeats, gaps: verdict.breaches.length };
    };
    const breaches = verdicts.flatMap(({ name, breaches }) => breaches.map((breach) => `${name}: ${breach}`));
    return { turns, figures: { ours: of('ours'), debezium: of('debezium') }, breaches };
  } finally {
    await stack.stop();
  }
}

async function catchUp(contender: Contender, brokers: readonly string[], rows: OutboxRows): Promise<void> {
  const published = new Published(brokers, contender.events.name);
  await contender.start();
  await published.settled(rows.committed).finally(() => Promise.all([published.close(), contender.stop()]));
}

function medians(turns: readonly Turn[]): Turn {
  const of = (read: (turn: Turn) => number, decimals: number): number => round(median(turns.map(read)), decimals);
  return {
    drain_per_s: of((turn) => turn.drain_per_s, 0),
    cpu_s_per_100k: of((turn) => turn.cpu_s_per_100k, 2),
    rss_mb: of((turn) => turn.rss_mb, 0),
    p50_ms: of((turn) => turn.p50_ms, 2),
    p99_ms: of((turn) => turn.p99_ms, 2),
  };
}

const { turns, figures, breaches } = await measure();
const drainRatio = round(figures.ours.drain_per_s / figures.debezium.drain_per_s, 2);
const cpuRatio = round(figures.ours.cpu_s_per_100k / figures.debezium.cpu_s_per_100k, 3);
const missed = [
  ...(drainRatio < LIMITS.drainRatio ? [`drain_ratio ${drainRatio} < ${LIMITS.drainRatio}`] : []),
  ...(cpuRatio > LIMITS.cpuRatio ? [`cpu_ratio ${cpuRatio} > ${LIMITS.cpuRatio}`] : []),
  ...(figures.ours.rss_mb > LIMITS.rssMb ? [`rss_mb ${figures.ours.rss_mb} > ${LIMITS.rssMb}`] : []),
  ...(['p50', 'p99'] as const).flatMap((share) => {
    const ms = figures.ours[`${share}_ms`];
    const theirs = figures.debezium[`${share}_ms`];
    return [
      ...(ms > LIMITS[`${share}Ms`] ? [`${share}_ms ${ms} > ${LIMITS[`${share}Ms`]}`] : []),
      ...(ms >= theirs ? [`${share}_ms ${ms} is not below Debezium's ${theirs}`] : []),
    ];
  }),
  ...breaches,
];

const cells = (run: Turn): (string | number)[] => [
  round(run.drain_per_s, 0),
  round(run.cpu_s_per_100k, 2),
  round(run.rss_mb, 0),
  round(run.p50_ms, 2),
  round(run.p99_ms, 2),
];
console.log(
  `relay: ${rowsPerDrain} rows drained, then ${RATE} rows/s for ${seconds} s; ${RUNS} turns of each; ${machine()}`,
);
console.log(
  'drain: warm, frozen while the backlog is written, from its thaw to the last record, rows/s; cpu: processor',
);
console.log(
  'seconds of the process per 100,000 rows of it; memory: peak resident MiB of its whole life; p50, p99: ms from the',
);
console.log(
  'answer to the commit until a reader has the record; duplicates, gaps: over all turns, restarts included\n',
);
console.log(
  table(
    ['', 'drain', 'cpu', 'memory', 'p50', 'p99', 'duplicates', 'gaps'],
    (['ours', 'debezium'] as const).flatMap((name) => [
      ...turns[name].map((run, index) => [`${name} ${index + 1}`, ...cells(run), '', '']),
      [`${name}, median`, ...cells(figures[name]), figures[name].duplicates, figures[name].gaps],
    ]),
  ),
);
for (const one of missed) console.log(`MISSED: ${one}`);
console.log(`\n${JSON.stringify({ bench: 'relay', ...figures, drain_ratio: drainRatio, cpu_ratio: cpuRatio })}`);
if (missed.length > 0) process.exitCode = 1;
