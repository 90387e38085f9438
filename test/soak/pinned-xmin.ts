/**
 * A session somewhere holds a snapshot open for long, and no dead row can be cleared away: neither the delay from commit to
 * Kafka nor the relay's processor time per row nor the speed of a drain may suffer from it.
 *
 *   npm run soak -- pinned-xmin [--minutes 10] [--rate 2000] [--rows 100000]
 */
import { parseArgs } from 'node:util';

import { round } from '../bench/figures.js';
import { privateStack } from '../support/stack.js';
import { progress, report, unless } from './report.js';
import { pinnedXmin, type Window } from './scenario/pinned-xmin.js';

const LIMIT = { p99: 1.25, cpu: 1.25, drain: 0.8 };

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    rate: { type: 'string', default: '2000' },
    rows: { type: 'string', default: '100000' },
  },
});
const seconds = 60 * Number(values.minutes);
const rowsPerS = Number(values.rate);
const drainRows = Number(values.rows);
const windowSeconds = Math.min(60, seconds / 3);

// So that every window has checkpoints, not only the last.
const stack = await privateStack({ postgres: { checkpoint_timeout: '30s' } });
const seen = await pinnedXmin(stack, { drainRows, rowsPerS, seconds, windowSeconds, tell: progress }).finally(() =>
  stack.stop(),
);
const { verdict, drainPerS, first, last, deadInRanges, deadInRelay } = seen;
const p99Ratio = last.p99Ms / first.p99Ms;
const cpuRatio = last.cpuMsPerRow / first.cpuMsPerRow;
const drainRatio = drainPerS.end / drainPerS.start;

const rowsOf = (name: string, window: Window): readonly [string, string | number][] => [
  [`${name}: events`, window.events],
  [`${name}: commit to Kafka p50, ms`, round(window.p50Ms)],
  [`${name}: commit to Kafka p99, ms`, round(window.p99Ms)],
  [`${name}: processor time per row, ms`, round(window.cpuMsPerRow, 4)],
];
report({
  soak: 'pinned-xmin',
  how: `${rowsPerS} rows/s for ${seconds} s under a snapshot held open, compared over ${windowSeconds} s; drains of ${drainRows} rows`,
  rows: [
    ['drain before, rows/s', round(drainPerS.start, 0)],
    ...rowsOf('first', first),
    ...rowsOf('last', last),
    ['drain at the end, rows/s', round(drainPerS.end, 0)],
    ['p99, last / first', round(p99Ratio, 2)],
    ['processor time, last / first', round(cpuRatio, 2)],
    ['drain, end / start', round(drainRatio, 2)],
    ['dead rows in the outbox', deadInRanges],
    ['dead rows of the relay’s own row', deadInRelay],
    ['repeats', verdict.repeats],
    ['breaches', verdict.breaches.length],
  ],
  figures: {
    seconds,
    rows_per_s: rowsPerS,
    p99_first_ms: round(first.p99Ms),
    p99_last_ms: round(last.p99Ms),
    p99_ratio: round(p99Ratio, 2),
    cpu_ratio: round(cpuRatio, 2),
    drain_start_per_s: round(drainPerS.start, 0),
    drain_end_per_s: round(drainPerS.end, 0),
    drain_ratio: round(drainRatio, 2),
    dead_in_ranges: deadInRanges,
    repeats: verdict.repeats,
  },
  faults: [
    ...verdict.breaches,
    ...unless(verdict.repeats === 0, `${verdict.repeats} events came again`),
    ...unless(p99Ratio <= LIMIT.p99, `p99 rose by ${round(p99Ratio, 2)}, limit ${LIMIT.p99}`),
    ...unless(cpuRatio <= LIMIT.cpu, `processor time per row rose by ${round(cpuRatio, 2)}, limit ${LIMIT.cpu}`),
    ...unless(
      drainRatio >= LIMIT.drain,
      `the last drain had ${round(drainRatio, 2)} of the first's speed, limit ${LIMIT.drain}`,
    ),
    ...unless(deadInRanges === 0, `${deadInRanges} dead rows in the outbox`),
  ],
});
