/**
 * The gateway stands still (SIGSTOP) for 20 s while events flow into Kafka, and goes on: some of its clients have left it meanwhile,
 * some have not; no event is skipped, none comes twice.
 *
 *   npm run soak -- freeze [--seconds 20] [--clients 500] [--rate 200] [--seed N]
 */
import { parseArgs } from 'node:util';

import { percentile, round } from '../bench/figures.js';
import { groundOn, privateStack } from '../support/stack.js';
import { report, seedOf, unless } from './report.js';
import { gatewayAway } from './scenario/gateway-away.js';

const LIMIT = { sinceAttemptMs: 30_000, sinceBackMs: 45_000 };
/** As far as the clients of a page back off. */
const LONGEST_BACK_OFF_MS = 30_000;

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '20' },
    clients: { type: 'string', default: '500' },
    rate: { type: 'string', default: '200' },
    seed: { type: 'string' },
  },
});
const seed = seedOf(values.seed);
const size = { clients: Number(values.clients), eventsPerS: Number(values.rate), awaySeconds: Number(values.seconds) };

const stack = await privateStack();
const seen = await gatewayAway(groundOn(stack), {
  ...size,
  how: 'frozen',
  seed,
  longestBackOffMs: LONGEST_BACK_OFF_MS,
}).finally(() => stack.stop());
const seconds = (ms: number): number => round(ms / 1_000, 2);
const attempt = { p95: percentile(seen.sinceAttemptMs, 0.95), max: Math.max(...seen.sinceAttemptMs) };
const back = { p95: percentile(seen.sinceBackMs, 0.95), max: Math.max(...seen.sinceBackMs) };
report({
  soak: 'freeze',
  how: `${size.clients} clients, ${size.eventsPerS} events/s, stopped, and continued after ${size.awaySeconds} s, seed ${seed}`,
  rows: [
    ['events', seen.events],
    ['events meanwhile', seen.writtenMeanwhile],
    ['returns, all recovered', seen.recovered],
    ['caught up after its first attempt, p95 s', seconds(attempt.p95)],
    ['caught up after its first attempt, longest s', seconds(attempt.max)],
    ['caught up after the gateway was back, p95 s', seconds(back.p95)],
    ['caught up after the gateway was back, longest s', seconds(back.max)],
    ['clients with faults', seen.faults.length],
  ],
  figures: {
    ...size,
    seed,
    events: seen.events,
    events_meanwhile: seen.writtenMeanwhile,
    returns: seen.recovered,
    since_attempt_p95_s: seconds(attempt.p95),
    since_attempt_max_s: seconds(attempt.max),
    since_back_max_s: seconds(back.max),
  },
  faults: [
    ...seen.faults.slice(0, 20),
    ...unless(seen.writtenMeanwhile > 0, 'nothing happened while the gateway was away'),
    ...unless(
      attempt.max <= LIMIT.sinceAttemptMs,
      `a client caught up ${seconds(attempt.max)} s after its first attempt`,
    ),
    ...unless(back.max <= LIMIT.sinceBackMs, `a client caught up ${seconds(back.max)} s after the gateway was back`),
  ],
});
