/**
 * Midnight for a hundred thousand challenges that nobody trades, beside others that are traded.
 *
 *   npm run soak -- rolls [--challenges 100000] [--rolls-per-s 2000] [--rate 200] [--calm 30]
 */
import { parseArgs } from 'node:util';

import { round } from '../bench/figures.js';
import { groundOn, privateStack } from '../support/stack.js';
import { progress, report, unless } from './report.js';
import { rolls } from './scenario/rolls.js';

const { values } = parseArgs({
  options: {
    challenges: { type: 'string', default: '100000' },
    'rolls-per-s': { type: 'string', default: '2000' },
    rate: { type: 'string', default: '200' },
    calm: { type: 'string', default: '30' },
  },
});
const size = {
  challenges: Number(values.challenges),
  rollsPerS: Number(values['rolls-per-s']),
  rate: Number(values.rate),
  calmSeconds: Number(values.calm),
};

const stack = await privateStack();
const seen = await rolls(groundOn(stack), { ...size, tell: progress }).finally(() => stack.stop());
const ratio = seen.meanwhile.p99 / seen.calm.p99;
report({
  soak: 'rolls',
  how: `${size.challenges} days end at once, ${size.rollsPerS} rolls/s, beside ${size.rate} trades/s`,
  rows: [
    ['first rolled after, ms', round(seen.firstMs)],
    ['last rolled after, ms', round(seen.lastMs)],
    ['trades before: p50, ms', round(seen.calm.p50)],
    ['trades before: p99, ms', round(seen.calm.p99)],
    ['trades meanwhile: p50, ms', round(seen.meanwhile.p50)],
    ['trades meanwhile: p99, ms', round(seen.meanwhile.p99)],
    ['trades meanwhile', seen.meanwhile.trades],
  ],
  figures: {
    ...size,
    first_ms: round(seen.firstMs),
    last_ms: round(seen.lastMs),
    calm_p99_ms: round(seen.calm.p99),
    meanwhile_p99_ms: round(seen.meanwhile.p99),
    ratio: round(ratio, 2),
  },
  faults: [
    ...seen.breaches,
    ...unless(seen.firstMs < 5_000, `the first day was rolled after ${round(seen.firstMs)} ms`),
    ...unless(seen.lastMs < 60_000, `the last day was rolled after ${round(seen.lastMs)} ms`),
    ...unless(ratio <= 1.5, `the p99 of trades was ${round(ratio, 2)} times that before`),
  ],
});
