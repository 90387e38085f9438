/**
 * A reader that stops for 20 s in a room of 200 events a second costs the others nothing and the gateway a window; when it reads on it
 * has the present within 2 s, and every status change and alert.
 *
 *   npm run soak -- slow-reader [--pause-seconds 20] [--pairs 5] [--others 200] [--rate 400]
 */
import { parseArgs } from 'node:util';

import { round } from '../bench/figures.js';
import { groundOn, privateStack } from '../support/stack.js';
import { progress, report, unless } from './report.js';
import { slowReader } from './scenario/slow-reader.js';

const LIMITS = { kernelBytes: 256 * 1024, newestMs: 2_000, beyondSpread: 1.1 };

const { values } = parseArgs({
  options: {
    'pause-seconds': { type: 'string', default: '20' },
    pairs: { type: 'string', default: '5' },
    others: { type: 'string', default: '200' },
    rate: { type: 'string', default: '400' },
  },
});

const stack = await privateStack();
const seen = await slowReader(groundOn(stack), {
  pauseMs: Number(values['pause-seconds']) * 1_000,
  controlPairs: Number(values.pairs),
  others: Number(values.others),
  othersPerSecond: Number(values.rate),
  tell: progress,
}).finally(() => stack.stop());
const spread = Math.max(...seen.controlRatios);

report({
  soak: 'slow-reader',
  how: `a reader pauses for ${values['pause-seconds']} s; ${values.others} others with ${values.rate} events/s`,
  rows: [
    ['in kernel buffers at most, bytes', seen.kernelBytes],
    ['newest after, ms', round(seen.newestMs)],
    ['equity updates collapsed', seen.collapsed],
    ['status changes and alerts', seen.importantPublished],
    ['of these missed', seen.importantMissed.length],
    ["others' p99 while paused, ms", round(seen.pausedP99Ms)],
    ['paused over before', round(seen.pausedRatio, 2)],
    ['control pairs', seen.controlRatios.map((ratio) => round(ratio, 2)).join(' ')],
    ['four rooms rejoined', seen.rejoins.join(' ')],
  ],
  figures: {
    kernel_bytes: seen.kernelBytes,
    newest_ms: round(seen.newestMs),
    collapsed: seen.collapsed,
    important: seen.importantPublished,
    missed: seen.importantMissed.length,
    paused_ratio: round(seen.pausedRatio, 2),
    control_ratios: seen.controlRatios.map((ratio) => round(ratio, 2)),
    rejoins: seen.rejoins,
  },
  faults: [
    ...seen.faults,
    ...seen.rejoinFaults,
    ...unless(seen.kernelBytes <= LIMITS.kernelBytes, `${seen.kernelBytes} bytes lay in the kernel`),
    ...unless(seen.newestMs <= LIMITS.newestMs, `the present came after ${round(seen.newestMs)} ms`),
    ...unless(seen.importantMissed.length === 0, `missed: ${seen.importantMissed.join(' ')}`),
    ...unless(seen.inOrder, 'out of order'),
    ...unless(!seen.wasClosed, 'the reader was closed'),
    ...unless(
      seen.pausedRatio <= LIMITS.beyondSpread * Math.max(1, spread),
      `others' p99 was ${round(seen.pausedRatio, 2)} times as long, by itself it varies up to ${round(spread, 2)}`,
    ),
    ...unless(seen.rejoins.length === 4, `four rooms took ${seen.rejoins.length} joins`),
  ],
});
