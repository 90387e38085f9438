/**
 * Challenges that are joined straight after their creation, before their first record is in Kafka: none is refused.
 *
 *   npm run soak -- just-created [--joins 1000] [--seed N]
 */
import { parseArgs } from 'node:util';

import { percentile, round } from '../bench/figures.js';
import { groundOn, privateStack } from '../support/stack.js';
import { report, seedOf } from './report.js';
import { justCreated } from './scenario/just-created.js';

const { values } = parseArgs({ options: { joins: { type: 'string', default: '1000' }, seed: { type: 'string' } } });
const seed = seedOf(values.seed);

const stack = await privateStack();
const { joins, answeredMs, faults } = await justCreated(groundOn(stack), Number(values.joins), seed).finally(() =>
  stack.stop(),
);
const p50 = round(percentile(answeredMs, 0.5));
const p99 = round(percentile(answeredMs, 0.99));
report({
  soak: 'just-created',
  how: `${joins} joins, each some 0.1 to 1.2 s before the challenge is in Kafka, seed ${seed}`,
  rows: [
    ['joined', answeredMs.length],
    ['refused, or joined elsewhere than at 0', faults.length],
    ['answered after the record was stored, p50 ms', p50],
    ['answered after the record was stored, p99 ms', p99],
  ],
  figures: { joins, seed, joined: answeredMs.length, refused: faults.length, p50_ms: p50, p99_ms: p99 },
  faults: faults.slice(0, 20),
});
