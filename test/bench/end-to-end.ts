/**
 * From a trade's intended send time to its event at the client: N clients joined to N challenges, R trades a second for S
 * seconds at constant arrival, over loopback, on a private stack whose PostgreSQL syncs every commit.
 *
 *   npm run bench -- end-to-end [--clients 1000] [--rate 200] [--seconds 20]
 *
 * Three runs; the last line printed is JSON with medians of the times and sums of the counts. It fails when something was lost,
 * came twice or was collapsed.
 */
import { parseArgs } from 'node:util';

import { JWT_SECRET } from '../support/tokens.js';
import { median, percentile, round, sum, table } from './figures.js';
import { Load } from './load/load.js';
import { LATE_MS, type RunResult } from './load/messages.js';
import { machine, onPrivateSystem } from './scene.js';

const RUNS = 3;

const { values } = parseArgs({
  options: {
    clients: { type: 'string', default: '1000' },
    rate: { type: 'string', default: '200' },
    seconds: { type: 'string', default: '20' },
  },
});
const clients = Number(values.clients);
const rate = Number(values.rate);
const seconds = Number(values.seconds);

const row = (name: string, run: RunResult): (string | number)[] => [
  name,
  ...[0.5, 0.95, 0.99, 1].map((share) => round(percentile(run.eventMs, share))),
  round(percentile(run.tradeMs, 0.5)),
  round(percentile(run.tradeMs, 0.99)),
  run.sent,
  run.received,
  run.duplicates,
  run.gaps,
  run.collapsed,
  run.late,
  run.refused,
];
const HEAD = ['run', 'p50', 'p95', 'p99', 'max', 'trade p50', 'trade p99', 'sent', 'received', 'duplicates', 'gaps'];

async function measure(): Promise<readonly RunResult[]> {
  // The clients of a bench all come from one address.
  return onPrivateSystem({ env: { gateway: { MAX_CONNECTIONS_PER_ADDRESS: '0' } } }, async (system) => {
    const load = new Load();
    try {
      await load.open({ tradeUrl: system.tradeUrl, gatewayUrl: system.gatewayUrl, jwtSecret: JWT_SECRET, clients });
      process.stderr.write(`${clients} clients have joined\n`);
      const runs: RunResult[] = [];
      for (let run = 1; run <= RUNS; run += 1) {
        runs.push(await load.run({ rate, seconds }));
        process.stderr.write(`run ${run} of ${RUNS} done\n`);
      }
      return runs;
    } finally {
      load.close();
    }
  });
}

const runs = await measure();
const of = (read: (run: RunResult) => number): readonly number[] => runs.map(read);
const time = (share: number): number => round(median(of(({ eventMs }) => percentile(eventMs, share))));
const count = (name: 'sent' | 'received' | 'duplicates' | 'gaps' | 'collapsed' | 'late' | 'refused'): number =>
  sum(of((run) => run[name]));
const breaches = runs.flatMap((run) => run.breaches);

const tradeTime = (share: number): number => round(median(of(({ tradeMs }) => percentile(tradeMs, share))));
console.log(`end-to-end: ${clients} clients, ${rate} trades/s for ${seconds} s, ${RUNS} runs; ${machine()}`);
console.log('limit of connections per address: off; each trade within 1 % of its challenge; times in ms from the');
console.log(`intended send time, so a late sender counts; late: sent more than ${LATE_MS} ms after it\n`);
console.log(
  table(
    [...HEAD, 'collapsed', 'late', 'refused'],
    [
      ...runs.map((run, index) => row(String(index + 1), run)),
      [
        'median, sum',
        ...[0.5, 0.95, 0.99, 1].map(time),
        tradeTime(0.5),
        tradeTime(0.99),
        ...(['sent', 'received', 'duplicates', 'gaps', 'collapsed', 'late', 'refused'] as const).map(count),
      ],
    ],
  ),
);
for (const breach of breaches) console.log(breach);
console.log(
  `\n${JSON.stringify({
    bench: 'end-to-end',
    clients,
    rate,
    p50_ms: time(0.5),
    p95_ms: time(0.95),
    p99_ms: time(0.99),
    sent: count('sent'),
    received: count('received'),
    duplicates: count('duplicates'),
    gaps: count('gaps'),
    collapsed: count('collapsed'),
  })}`,
);
if (breaches.length + count('duplicates') + count('gaps') + count('collapsed') + count('refused') > 0)
  process.exitCode = 1;
