import { parseArgs } from 'node:util';

import { percentile, round } from '../../bench/figures.js';
import { groundOn, privateStack } from '../../support/stack.js';
import { report, seedOf, unless } from '../report.js';
import { gatewayAway, type AwaySize } from './gateway-away.js';

export interface AwaySoak {
  readonly soak: string;
  readonly how: AwaySize['how'];
  readonly seconds: number;
  /** For the words of the report. */
  readonly happens: string;
  /** From a client's first attempt once the gateway is back until it has all there is. */
  readonly sinceAttemptMs: number;
}

const SINCE_BACK_MS = 45_000;
/** As far as the clients of a page back off. */
const LONGEST_BACK_OFF_MS = 30_000;

/** A gateway that is away for a while under load, at full size, by the arguments of the command. */
export async function awaySoak({ soak, how, seconds: away, happens, sinceAttemptMs }: AwaySoak): Promise<void> {
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string', default: String(away) },
      clients: { type: 'string', default: '500' },
      rate: { type: 'string', default: '200' },
      seed: { type: 'string' },
    },
  });
  const seed = seedOf(values.seed);
  const size = {
    clients: Number(values.clients),
    eventsPerS: Number(values.rate),
    awaySeconds: Number(values.seconds),
  };

  const stack = await privateStack();
  const seen = await gatewayAway(groundOn(stack), {
    ...size,
    how,
    seed,
    longestBackOffMs: LONGEST_BACK_OFF_MS,
  }).finally(() => stack.stop());
  const seconds = (ms: number): number => round(ms / 1_000, 2);
  const attempt = { p95: percentile(seen.sinceAttemptMs, 0.95), max: Math.max(...seen.sinceAttemptMs) };
  const back = { p95: percentile(seen.sinceBackMs, 0.95), max: Math.max(...seen.sinceBackMs) };
  report({
    soak,
    how: `${size.clients} clients, ${size.eventsPerS} events/s, ${happens} ${size.awaySeconds} s, seed ${seed}`,
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
      ...unless(attempt.max <= sinceAttemptMs, `a client caught up ${seconds(attempt.max)} s after its first attempt`),
      ...unless(back.max <= SINCE_BACK_MS, `a client caught up ${seconds(back.max)} s after the gateway was back`),
    ],
  });
}
