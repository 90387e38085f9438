/**
 * A transaction that draws a position and stays open for a minute delays its own rows and nobody else's.
 *
 *   npm run soak -- held [--seconds 60] [--rate 200]
 */
import { parseArgs } from 'node:util';

import { round } from '../bench/figures.js';
import { groundOn, privateStack } from '../support/stack.js';
import { report, unless } from './report.js';
import { held } from './scenario/held.js';

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '60' }, rate: { type: 'string', default: '200' } },
});
const size = { seconds: Number(values.seconds), rate: Number(values.rate) };

const stack = await privateStack();
const { verdict, before, meanwhile, published, ownMs } = await held(groundOn(stack), size).finally(() => stack.stop());
report({
  soak: 'held',
  how: `a transaction held for ${size.seconds} s beside ${size.rate} events/s; from commit to Kafka in ms`,
  rows: [
    ['others before, p50', round(before.p50)],
    ['others before, p99', round(before.p99)],
    ['others meanwhile, p50', round(meanwhile.p50)],
    ['others meanwhile, p99', round(meanwhile.p99)],
    ['others meanwhile, longest', round(meanwhile.max)],
    ['others meanwhile, events', published],
    ['its own event, from its commit', round(ownMs)],
    ['breaches', verdict.breaches.length],
  ],
  figures: {
    ...size,
    before_p99_ms: round(before.p99),
    meanwhile_p99_ms: round(meanwhile.p99),
    own_ms: round(ownMs),
    repeats: verdict.repeats,
  },
  faults: [
    ...verdict.breaches,
    ...unless(verdict.repeats === 0, `${verdict.repeats} events came again`),
    ...unless(meanwhile.max < 1_000, `another's event took ${round(meanwhile.max)} ms`),
    ...unless(ownMs < 1_000, `the held event took ${round(ownMs)} ms after its commit`),
  ],
});
