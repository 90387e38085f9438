/**
 * Trading never waits, and nothing is lost: trades at a constant rate in pairs of runs, a calm one and one in which the relay,
 * the gateway, or both are killed (SIGKILL) and started again. Every accepted trade must arrive, and the median answer of a
 * trade must stay within 1.25 times the calm one: the median of five pairs.
 *
 *   npm run bench -- failures [--clients 50] [--rate 50] [--seconds 6]
 */
import { parseArgs } from 'node:util';
import { setTimeout as delay } from 'node:timers/promises';

import type { ServiceName, System } from '../support/system.js';
import { JWT_SECRET } from '../support/tokens.js';
import { median, round, sum, table } from './figures.js';
import { Load } from './load/load.js';
import type { RunResult } from './load/messages.js';
import { machine, onPrivateSystem } from './scene.js';

const PAIRS = 5;
const LIMIT = 1.25;
/** A killed leader's lease has to run out before the next relay leads, and the clients have to come back. */
const ARRIVE_WITHIN_MS = 30_000;

const { values } = parseArgs({
  options: {
    clients: { type: 'string', default: '50' },
    rate: { type: 'string', default: '50' },
    seconds: { type: 'string', default: '6' },
  },
});
const clients = Number(values.clients);
const arrivals = { rate: Number(values.rate), seconds: Number(values.seconds) };

const FAULTS: readonly (readonly ServiceName[])[] = [['relay'], ['gateway'], ['relay', 'gateway']];

interface Pair {
  readonly calm: RunResult;
  readonly killed: RunResult;
}
const ratioOf = ({ calm, killed }: Pair): number => median(killed.tradeMs) / median(calm.tradeMs);

async function killInMidStream(system: System, load: Load, names: readonly ServiceName[]): Promise<RunResult> {
  const running = load.run(arrivals, ARRIVE_WITHIN_MS);
  const killing = delay((arrivals.seconds * 1000) / 3).then(() => system.killAndRespawn(...names));
  const [killed] = await Promise.all([running, killing]);
  return killed;
}

async function measure(): Promise<ReadonlyMap<string, readonly Pair[]>> {
  return onPrivateSystem({ env: { gateway: { MAX_CONNECTIONS_PER_ADDRESS: '0' } } }, async (system) => {
    const load = new Load();
    const pairs = new Map<string, Pair[]>(FAULTS.map((names) => [names.join(' and '), []]));
    try {
      await load.open({ tradeUrl: system.tradeUrl, gatewayUrl: system.gatewayUrl, jwtSecret: JWT_SECRET, clients });
      for (let pair = 1; pair <= PAIRS; pair += 1)
        for (const names of FAULTS) {
          const calm = await load.run(arrivals, ARRIVE_WITHIN_MS);
          const killed = await killInMidStream(system, load, names);
          pairs.get(names.join(' and '))?.push({ calm, killed });
          process.stderr.write(`pair ${pair} of ${PAIRS}, ${names.join(' and ')}: done\n`);
        }
    } finally {
      load.close();
    }
    return pairs;
  });
}

const measured = await measure();
const lost = (runs: readonly RunResult[]): number => sum(runs.map(({ sent, received }) => sent - received));
const rows = [...measured].map(([names, pairs]) => {
  const runs = pairs.flatMap(({ calm, killed }) => [calm, killed]);
  return {
    names,
    calmMs: median(pairs.map(({ calm }) => median(calm.tradeMs))),
    killedMs: median(pairs.map(({ killed }) => median(killed.tradeMs))),
    ratio: median(pairs.map(ratioOf)),
    sent: sum(runs.map(({ sent }) => sent)),
    lost: lost(runs),
    refused: sum(runs.map(({ refused }) => refused)),
    duplicates: sum(runs.map(({ duplicates }) => duplicates)),
    collapsed: sum(runs.map(({ collapsed }) => collapsed)),
    breaches: runs.flatMap(({ breaches }) => breaches),
  };
});

console.log(`failures: ${clients} clients, ${arrivals.rate} trades/s, runs of ${arrivals.seconds} s, ${machine()}`);
console.log(
  `median answer of a trade in ms, calm and while killed: medians of ${PAIRS} paired runs; ratio: limit ${LIMIT}\n`,
);
console.log(
  table(
    ['killed', 'calm', 'while killed', 'ratio', 'accepted', 'lost', 'refused', 'sent twice', 'collapsed'],
    rows.map((row) => [
      row.names,
      round(row.calmMs, 2),
      round(row.killedMs, 2),
      round(row.ratio, 2),
      row.sent,
      row.lost,
      row.refused,
      row.duplicates,
      row.collapsed,
    ]),
  ),
);
for (const breach of rows.flatMap(({ breaches }) => breaches)) console.log(breach);
console.log(
  `\n${JSON.stringify({
    bench: 'failures',
    clients,
    rate: arrivals.rate,
    worst_ratio: round(Math.max(...rows.map(({ ratio }) => ratio)), 2),
    accepted: sum(rows.map(({ sent }) => sent)),
    lost: sum(rows.map((row) => row.lost)),
    refused: sum(rows.map(({ refused }) => refused)),
  })}`,
);
if (rows.some((row) => row.ratio > LIMIT || row.lost > 0 || row.refused > 0 || row.breaches.length > 0))
  process.exitCode = 1;
