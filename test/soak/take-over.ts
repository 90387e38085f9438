/**
 * How long nobody publishes after the leader's end: SIGKILL, SIGSTOP, a cut connection to both servers, and SIGTERM.
 *
 *   npm run soak -- take-over [--rounds 3] [--lease-ms 10000]
 */
import { parseArgs } from 'node:util';

import { median, round } from '../bench/figures.js';
import { report, unless } from './report.js';
import { END_NAMES, takeOver, takeOverStack } from './scenario/take-over.js';

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '3' }, 'lease-ms': { type: 'string', default: '10000' } },
});
const rounds = Number(values.rounds);
const leaseMs = Number(values['lease-ms']);
/** A fifth above the lease; whoever ends in order lets the next one in at once. */
const limitMs = (end: string): number => (end === 'SIGTERM' ? 1_000 : leaseMs + 2_000);

const stack = await takeOverStack();
const { verdict, takeOvers } = await takeOver(stack, { rounds, leaseMs }).finally(() => stack.stop());
const seconds = (ms: number): number => round(ms / 1_000, 2);
const byEnd = END_NAMES.map((end) => {
  const published = takeOvers.filter((one) => one.end === end).map(({ publishedMs }) => publishedMs);
  const leases = takeOvers.filter((one) => one.end === end).map((one) => one.leaseMs);
  return { end, medianMs: median(published), worstMs: Math.max(...published), leaseMs: Math.max(...leases) };
});
report({
  soak: 'take-over',
  how: `lease ${leaseMs} ms, ${rounds} rounds; from the leader's end until the other has published, in s`,
  rows: [
    ...byEnd.flatMap(({ end, medianMs, worstMs, leaseMs: taken }): [string, number][] => [
      [`${end}, median`, seconds(medianMs)],
      [`${end}, worst`, seconds(worstMs)],
      [`${end}, lease taken, worst`, seconds(taken)],
    ]),
    ['events', verdict.committed],
    ['repeats', verdict.repeats],
    ['breaches', verdict.breaches.length],
  ],
  figures: {
    lease_ms: leaseMs,
    rounds,
    worst_s: Object.fromEntries(byEnd.map(({ end, worstMs }) => [end, seconds(worstMs)])),
    repeats: verdict.repeats,
  },
  faults: [
    ...verdict.breaches,
    ...byEnd.flatMap(({ end, worstMs }) =>
      unless(worstMs <= limitMs(end), `${end}: ${seconds(worstMs)} s, limit ${seconds(limitMs(end))} s`),
    ),
  ],
});
