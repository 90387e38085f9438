/**
 * Processes whose wall clocks are ten minutes off, in both directions, and step: who leads, what metrics and watermarks say, and
 * what is published must not depend on them.
 *
 *   npm run soak -- clock [--seconds 120] [--lease-ms 10000]
 */
import { parseArgs } from 'node:util';

import { round } from '../bench/figures.js';
import { groundOn, privateStack } from '../support/stack.js';
import { report, unless } from './report.js';
import { clock } from './scenario/clock.js';

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '120' }, 'lease-ms': { type: 'string', default: '10000' } },
});
const size = { seconds: Number(values.seconds), leaseMs: Number(values['lease-ms']), stepMs: 2_500 };

const stack = await privateStack();
const seen = await clock(groundOn(stack), size).finally(() => stack.stop());
const { verdict, leasesTaken, takeOverMs, lagS, asOfAgeS, watermarkOffMs, asOfOffMs, watermarks, unclearSends } = seen;
report({
  soak: 'clock',
  how: `${size.seconds} s, clocks 10 min ahead and behind, a step every ${size.stepMs} ms, lease ${size.leaseMs} ms`,
  rows: [
    ['leases taken before the kill', leasesTaken],
    ['take-over after the kill, s', round(takeOverMs / 1_000)],
    ['greatest lag told, s', round(lagS, 2)],
    ['greatest age of as_of told, s', round(asOfAgeS, 2)],
    ['watermarks', watermarks],
    ['their time off the broker’s by at most, ms', round(watermarkOffMs)],
    ['their as_of off the broker’s by at most, ms', round(asOfOffMs)],
    ['unclear sends', unclearSends],
    ['repeats', verdict.repeats],
    ['breaches', verdict.breaches.length],
  ],
  figures: {
    leases_taken: leasesTaken,
    take_over_s: round(takeOverMs / 1_000, 2),
    lag_s: round(lagS, 2),
    as_of_age_s: round(asOfAgeS, 2),
    watermark_off_ms: round(watermarkOffMs),
    unclear_sends: unclearSends,
    repeats: verdict.repeats,
  },
  faults: [
    ...verdict.breaches,
    ...unless(seen.offMs > 500_000, `the leader's clock was off by ${round(seen.offMs)} ms only`),
    ...unless(leasesTaken === 1, `${leasesTaken} leases were taken where nobody had failed`),
    ...unless(takeOverMs < size.leaseMs + 2_000, `the take-over took ${round(takeOverMs)} ms`),
    ...unless(lagS < 5 && asOfAgeS < 5, `lag ${lagS} s, age of as_of ${asOfAgeS} s`),
    ...unless(watermarkOffMs < 5_000, `a watermark's time is off by ${round(watermarkOffMs)} ms`),
    ...unless(unclearSends === 0, `${unclearSends} sends became unclear`),
  ],
});
