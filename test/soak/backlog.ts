/**
 * A backlog of a million rows drains with flat memory, and the relay's event loop stays free.
 *
 *   npm run soak -- backlog [--rows 1000000]
 */
import { parseArgs } from 'node:util';

import { percentile, round } from '../bench/figures.js';
import { groundOn, privateStack } from '../support/stack.js';
import { report, unless } from './report.js';
import { backlog, growth } from './scenario/backlog.js';

const LIMIT_MB = 150;
const LIMIT_GROWTH = 1.25;
const LIMIT_LOOP_MS = 50;

const { values } = parseArgs({ options: { rows: { type: 'string', default: '1000000' } } });
const rows = Number(values.rows);

const stack = await privateStack();
const { verdict, seconds, samples } = await backlog(groundOn(stack), rows).finally(() => stack.stop());
const rssMb = Math.max(...samples.map((sample) => sample.rssMb));
// Of each interval's own 99th percentile: half of them are below this.
const loopMs = percentile(
  samples.slice(1).map(({ loopP99Ms }) => loopP99Ms),
  0.5,
);
const cpuS = samples.at(-1)!.cpuS - samples[0]!.cpuS;
report({
  soak: 'backlog',
  how: `${rows} rows, half of them events`,
  rows: [
    ['drained in, s', round(seconds)],
    ['rows per s', round(rows / seconds, 0)],
    ['processor time per 100,000 rows, s', round((cpuS / rows) * 100_000, 2)],
    ['memory at most, MB', round(rssMb)],
    ['most in the second half / in the first', round(growth(samples), 2)],
    ['event loop delay p99, ms', round(loopMs)],
    ['repeats', verdict.repeats],
    ['breaches', verdict.breaches.length],
  ],
  figures: {
    rows,
    drain_per_s: round(rows / seconds, 0),
    rss_mb: round(rssMb),
    growth: round(growth(samples), 2),
    loop_p99_ms: round(loopMs),
    repeats: verdict.repeats,
  },
  faults: [
    ...verdict.breaches,
    ...unless(verdict.repeats === 0, `${verdict.repeats} events came again`),
    ...unless(rssMb <= LIMIT_MB, `memory ${round(rssMb)} MB, limit ${LIMIT_MB} MB`),
    ...unless(growth(samples) <= LIMIT_GROWTH, `memory grows by ${round(growth(samples), 2)}, limit ${LIMIT_GROWTH}`),
    ...unless(loopMs < LIMIT_LOOP_MS, `event loop delay p99 ${round(loopMs)} ms, limit ${LIMIT_LOOP_MS} ms`),
  ],
});
